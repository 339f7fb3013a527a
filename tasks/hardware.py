"""What a worker computes on, and the levers that make it faster there."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

CONFIG = SettingsConfigDict(
    env_file=".env",
    extra="ignore",
    frozen=True,
    populate_by_name=True,
    env_ignore_empty=True,
    hide_input_in_errors=True,  # pydantic would quote what was given, passwords too
)
Switch = Literal["auto", "on", "off"]
Count = Literal["auto"] | Annotated[int, Field(ge=0, le=65_536)]


class HardwareSettings(BaseSettings):
    """Device and levers of this machine; auto is what was measured to pay (docs/decisions.md)."""

    model_config = CONFIG

    device: str = Field(
        default="auto", validation_alias="GRASP_DEVICE", description="auto, cpu, cuda, such as cuda:1, or mps"
    )
    channels_last: Switch = Field(
        default="auto",
        validation_alias="GRASP_CHANNELS_LAST",
        description="convolutions on N x H x W x C: auto, on or off",
    )
    bf16: Switch = Field(
        default="auto",
        validation_alias="GRASP_BF16",
        description="training in bfloat16 autocast; gate and test are measured in float32 all the same",
    )
    compile: Switch = Field(
        default="auto",
        validation_alias="GRASP_COMPILE",
        description="torch.compile for a training; auto: where it is long enough to pay for that",
    )
    benchmark: Switch = Field(
        default="auto",
        validation_alias="GRASP_CUDNN_BENCHMARK",
        description="let cuDNN try which of its convolutions is fastest",
    )
    on_device: Switch = Field(
        default="auto",
        validation_alias="GRASP_NORMALISE_ON_DEVICE",
        description="images go to the device as uint8, and become floats there",
    )
    ahead: Count = Field(
        default="auto",
        validation_alias="GRASP_PREFETCH",
        description="batches that a thread prepares in advance; 0: none",
    )
    evaluation_batch: Count = Field(
        default="auto",
        validation_alias="GRASP_EVALUATION_BATCH",
        description="images per batch where no gradients are taken; at least the batch size",
    )
    keep_memory: Switch = Field(
        default="auto",
        validation_alias="GRASP_KEEP_MEMORY",
        description="freed memory of the CPU is kept for the next step, while a training lasts",
    )
    deterministic: bool = Field(
        default=False,
        validation_alias="GRASP_DETERMINISTIC",
        description="only kernels that give the same bits each time; an error where there is none",
    )
