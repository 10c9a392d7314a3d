"""Networks that people train on inverse problems, ready made: a new one is one new file and a line here."""

from __future__ import annotations

from dipproofs.networks.library.convolutional import Convolutional
from dipproofs.networks.library.coordinates import MLP, SIREN
from dipproofs.networks.library.decoder import Decoder
from dipproofs.networks.library.skip import Skip

__all__ = ["MLP", "SIREN", "Convolutional", "Decoder", "Skip"]
