"""Count the bytes of all tensors that are alive, as PyTorch makes them."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """While entered, knows the bytes of all tensor storages that are alive, and their highest sum.

    Counted are the given models' tensors and every storage that an operation gives; a storage that several
    tensors share counts once.
    """

    def __init__(self, *models: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._seen: set[int] = set()
        for model in models:
            for tensor in model.state_dict().values():
                self._count(tensor)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation and count what it gives."""
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._count(leaf)
        return out

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._seen:
            return
        self._seen.add(key)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, storage.nbytes())

    def _forget(self, key: int, size_bytes: int) -> None:
        self._seen.discard(key)
        self.now -= size_bytes


def parameter_bytes(model: nn.Module) -> int:
    """Give one parameter size: the bytes of all parameters."""
    return sum(p.numel() * p.element_size() for p in model.parameters())


def peak_sizes(work: Callable[[], object], *models: nn.Module) -> float:
    """Give the peak of live tensor bytes during work, in parameter sizes of the first model."""
    with LiveBytes(*models) as live:
        work()
    return float(live.peak / parameter_bytes(models[0]))
