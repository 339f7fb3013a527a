"""All competitors by the name that tables give them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from grasp_core.peers.baselines.best_source import BestSource
from grasp_core.peers.baselines.fold_soup_best_source import FoldSoupBestSource
from grasp_core.peers.baselines.last_source import LastSource
from grasp_core.peers.baselines.refit_best_source import RefitBestSource
from grasp_core.peers.controls.no_transfer import NoTransfer
from grasp_core.peers.controls.random_mask import RandomMask
from grasp_core.peers.controls.scratch import Scratch
from grasp_core.peers.controls.shuffled_scores import ShuffledScores
from grasp_core.peers.controls.sign_agreement import SignAgreement
from grasp_core.peers.controls.tensor_steps import RandomSteps, TensorSteps
from grasp_core.peers.grasp import Grasp
from grasp_core.peers.merges.average import Average
from grasp_core.peers.merges.bmm import Bmm
from grasp_core.peers.merges.doge import Doge
from grasp_core.peers.merges.ensemble import Ensemble, EnsembleFineTuned
from grasp_core.peers.merges.fisher import Fisher
from grasp_core.peers.merges.fusion import Fusion
from grasp_core.peers.merges.pcb import Pcb
from grasp_core.peers.merges.ties import Ties
from grasp_core.peers.online.ema import Ema
from grasp_core.peers.online.ode_m import OdeM
from grasp_core.peers.online.opcm import Opcm
from grasp_core.peers.peer import Peer, Task
from grasp_core.peers.trained.atlas import Atlas
from grasp_core.peers.trained.logit_fusion import LogitFusion
from grasp_core.peers.trained.pearl import Pearl


def published(task: Task) -> Grasp:
    """Make GRASP as its paper has it."""
    return Grasp(replace(task, config=replace(task.config, mode="reference")))


PEERS: Mapping[str, Callable[[Task], Peer]] = MappingProxyType(
    {
        "guarded": Grasp,
        "published": published,
        "no_transfer": NoTransfer,
        "shuffled_scores": ShuffledScores,
        "sign_agreement": SignAgreement,
        "random_mask": RandomMask,
        "tensor_steps": TensorSteps,
        "random_steps": RandomSteps,
        "refit_best_source": RefitBestSource,
        "fold_soup_best_source": FoldSoupBestSource,
        "best_source": BestSource,
        "last_source": LastSource,
        "average": Average,
        "fusion": Fusion,
        "ensemble": Ensemble,
        "ensemble_fine_tuned": EnsembleFineTuned,
        "scratch": Scratch,
        "ema": Ema,
        "atlas": Atlas,
        "ode_m": OdeM,
        "pearl": Pearl,
        "logit_fusion": LogitFusion,
        "fisher": Fisher,
        "pcb": Pcb,
        "opcm": Opcm,
        "doge": Doge,
        "ties": Ties,
        "bmm": Bmm,
    }
)
