"""Types of the public names; `__init__.py` loads them when first used."""

from dipproofs.certificate.record import Certificate as Certificate
from dipproofs.certify.api import certify as certify
from dipproofs.certify.api import check as check
from dipproofs.certify.point import certify_point as certify_point
from dipproofs.descent import descend as descend
from dipproofs.enclosures import Bound as Bound
from dipproofs.enclosures import Evidence as Evidence
from dipproofs.enclosures import Verdict as Verdict
from dipproofs.errors import InputError as InputError
from dipproofs.losses import CrossEntropy as CrossEntropy
from dipproofs.losses import Huber as Huber
from dipproofs.losses import LogCosh as LogCosh
from dipproofs.losses import LogitCrossEntropy as LogitCrossEntropy
from dipproofs.losses import Loss as Loss
from dipproofs.losses import LpLoss as LpLoss
from dipproofs.losses import NormPower as NormPower
from dipproofs.losses import Poisson as Poisson
from dipproofs.losses import SquaredError as SquaredError
from dipproofs.losses import make_loss as make_loss
from dipproofs.networks import MLP as MLP
from dipproofs.networks import SIREN as SIREN
from dipproofs.networks import Convolutional as Convolutional
from dipproofs.networks import Decoder as Decoder
from dipproofs.networks import GraphNetwork as GraphNetwork
from dipproofs.networks import Skip as Skip
from dipproofs.networks import TwoLayer as TwoLayer
from dipproofs.networks import from_jax as from_jax
from dipproofs.networks import from_torch as from_torch
from dipproofs.operators.facts import condition_number as condition_number
from dipproofs.operators.facts import operator_facts as operator_facts
from dipproofs.operators.facts import operator_norm as operator_norm
from dipproofs.operators.facts import smallest_singular_value as smallest_singular_value
from dipproofs.problems import InverseProblem as InverseProblem
from dipproofs.problems import as_operator as as_operator
from dipproofs.problems import load_problem as load_problem
from dipproofs.verify.api import verify as verify

__version__: str
