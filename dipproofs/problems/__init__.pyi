"""Public names; `__init__.py` loads them when first used."""

from dipproofs.operators import OPERATORS as OPERATORS
from dipproofs.operators import Operator as Operator
from dipproofs.operators.adapt import as_operator as as_operator
from dipproofs.problems.inverse_problem import InverseProblem as InverseProblem
from dipproofs.problems.problem_file import BuiltProblem as BuiltProblem
from dipproofs.problems.problem_file import ProblemSpec as ProblemSpec
from dipproofs.problems.problem_file import load_problem as load_problem
from dipproofs.problems.run_options import CertificateOptions as CertificateOptions
from dipproofs.problems.run_options import DescentOptions as DescentOptions
from dipproofs.problems.run_options import LossOptions as LossOptions
from dipproofs.problems.signals import PHOTOGRAPHS as PHOTOGRAPHS
from dipproofs.problems.signals import SIGNALS as SIGNALS
from dipproofs.problems.signals import photograph as photograph
from dipproofs.problems.signals import shepp_logan as shepp_logan
