"""Two models and no pipeline: score their agreement, transfer by hand, then let one absorb the other.

python examples/two_models.py
"""

import torch
from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.alignment import align
from grasp_core.config import AbsorbConfig
from grasp_core.data import digits
from grasp_core.data.target import TargetData
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, train_source
from grasp_core.transfer import select, transfer


def network() -> nn.Module:
    """Build an untrained network; torch's global seed says which."""
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def trained(number: int) -> nn.Module:
    """Train the source of period `number` of four: it never sees the target's images."""
    torch.manual_seed(number)
    model, samples = network(), digits.source(number, of=4, strength=1.0, seed=number).samples()
    config = SourceTrainingConfig(epochs=12, lr=3e-3, seed=number)
    train_source(model, samples, samples, config=config, snapshots=MemorySnapshots())
    return model


def main() -> None:
    """Print what each step does to the accuracy on the target's test images."""
    splits = digits.target(budget=60, strength=1.0, seed=0)
    data = TargetData(splits.train.samples(), splits.val.samples())  # 45 and 15 labels
    test = splits.test.samples()

    older, newer = trained(1), trained(3)
    print(f"older source {evaluate(older, test).accuracy:.3f}, newer {evaluate(newer, test).accuracy:.3f}")

    # By hand: one cosine per tensor, then copy those above a threshold (the paper's is 0.3).
    scores = align(newer, older, [next(iter(data.train))], target_mode="eval")
    chosen = select(scores, threshold=0.0)
    print(f"{len(chosen)} of {len(scores)} tensors agree")
    by_hand = network()
    by_hand.load_state_dict(older.state_dict())
    copied = transfer(newer, by_hand, chosen)
    print(f"{copied} scalars copied: {evaluate(by_hand, test).accuracy:.3f}, before any fine-tune")

    # All of it: the target begins with the first source, then absorbs the second.
    config = AbsorbConfig(epochs=20, initial_epochs=20, lr=1e-3)
    snapshots, target = MemorySnapshots(), network()
    begin(target, lambda: older, data, config=config, snapshots=snapshots)
    print(f"first target {evaluate(target, test).accuracy:.3f}")
    snapshots.load_into("stem", target)  # an absorb is given the stem, not the served model
    done = absorb(target, lambda: newer, data, config=config, snapshots=snapshots)
    print(f"{done.choice} at alpha {done.alpha}: {evaluate(target, test).accuracy:.3f}")


if __name__ == "__main__":
    main()
