"""The published recipe as its description reads, for a baseline: nothing here is taken from its code.

Decode, resize to 256, crop 224 at random, flip, jitter colours, image by image and epoch by epoch; float32;
batches of 32; loss and hits read after every batch.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.speed.pictures import MEAN, SIDE, STD, Pictures

_LAST = (transforms.ToTensor(), transforms.Normalize(MEAN, STD))
TRAIN = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.RandomCrop(SIDE),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.2, 0.2, 0.2, 0.1),
        *_LAST,
    ]
)
TEST = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(SIDE), *_LAST])


class Files(Dataset[tuple[Tensor, int]]):
    """Images that are decoded whenever they are asked for."""

    def __init__(self, pictures: Pictures, view: transforms.Compose) -> None:
        self._pictures, self._view = pictures, view

    def __len__(self) -> int:
        return len(self._pictures.files)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self._view(_opened(self._pictures.files[number])), self._pictures.labels[number]


def fine_tune_as_published(
    model: nn.Module,
    train: Pictures,
    val: Pictures,
    *,
    epochs: int,
    lr: float,
    device: torch.device,
    batch_size: int = 32,
    workers: int = 0,
    seed: int = 0,
) -> float:
    """Train in place, keep the epoch with the best validation accuracy; give that."""
    torch.manual_seed(seed)
    loader = DataLoader(Files(train, TRAIN), batch_size, shuffle=True, num_workers=workers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    criterion, best, kept = nn.CrossEntropyLoss(), -1.0, model.state_dict()
    for _ in range(epochs):
        model.train()
        seen: list[tuple[float, int]] = []
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            logits = model(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            seen.append((loss.item(), int((logits.argmax(1) == labels).sum().item())))
        schedule.step()
        accuracy = accuracy_of(model, val, device=device, workers=workers)
        if accuracy > best:
            best, kept = accuracy, {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(kept)
    return best


def accuracy_of(
    model: nn.Module, pictures: Pictures, *, device: torch.device, batch_size: int = 32, workers: int = 0
) -> float:
    """Measure accuracy on files, decoded anew."""
    model.eval()
    hits = 0
    with torch.no_grad():
        for images, labels in DataLoader(Files(pictures, TEST), batch_size, num_workers=workers):
            hits += int((model(images.to(device)).argmax(1) == labels.to(device)).sum().item())
    return hits / len(pictures.files)


def _opened(path: Path) -> object:
    from PIL import Image

    with Image.open(path) as file:
        return file.convert("RGB")
