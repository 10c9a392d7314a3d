"""Torch modules become graphs that compute the same, or are refused in one line that says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.errors import InputError

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore")


def layers(*after: Any) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), *after)


def operations(graph: Any) -> Counter[str]:
    return Counter(n["function"] if n.op == "entrywise" else n.op for n in graph.nodes)


class Then(nn.Module):  # type: ignore[misc, name-defined]
    """A convolution and a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.function = nn.Conv2d(4, 4, 3, padding=1), function

    def forward(self, x: Any) -> Any:
        return self.function(self.conv(x))


class SkipNet(nn.Module):  # type: ignore[misc, name-defined]
    """As people write them for the deep image prior."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(4, 6, 3, 2, 1, padding_mode="reflect")
        self.norm, self.skip, self.act = nn.BatchNorm2d(6), nn.Conv2d(4, 2, 1), nn.LeakyReLU(0.2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.last = nn.Conv2d(8, 1, 3, padding="same", padding_mode="replicate")

    def forward(self, x: Any) -> Any:
        y = self.up(self.act(self.norm(self.down(x))))
        return torch.sigmoid(self.last(torch.cat([self.skip(x), y], 1)))


def own_norm(x: Any) -> Any:
    return (x - x.mean((2, 3), keepdim=True)) / torch.sqrt(x.var((2, 3), keepdim=True, unbiased=False) + 1e-5)


ACTIVATIONS: list[tuple[Any, dict[str, int]]] = [
    (nn.ReLU(), {"piecewise": 1}),
    (nn.LeakyReLU(0.1), {"piecewise": 1}),
    (nn.SiLU(), {"silu": 1}),
    (nn.GELU(), {"gelu": 1}),
    (nn.GELU("tanh"), {"gelu-tanh": 1}),
    (nn.Softplus(), {"softplus": 1}),
    (nn.Softplus(3), {"softplus": 1, "scale": 2}),
    (nn.Tanh(), {"tanh": 1}),
    (nn.Sigmoid(), {"sigmoid": 1}),
    (nn.ELU(), {"elu": 1, "piecewise": 0}),
    (nn.ELU(0.5), {"elu": 1, "piecewise": 1}),
    (nn.SELU(), {"elu": 1}),
    (nn.CELU(2.0), {"elu": 1}),
    (nn.Hardtanh(), {"piecewise": 1}),
    (nn.ReLU6(), {"piecewise": 1}),
    (nn.Hardswish(), {"piecewise": 1, "product": 1}),
    (nn.Hardsigmoid(), {"piecewise": 1}),
    (nn.Softshrink(), {"piecewise": 1}),
    (nn.Mish(), {"mish": 1}),
    (nn.PReLU(4), {"piecewise": 2, "product": 1}),
    (nn.LogSigmoid(), {"softplus": 1}),
    (nn.Softsign(), {"softsign": 1}),
    (nn.Softmax(1), {"softmax": 1}),
]
LAYERS: list[tuple[Any, dict[str, int]]] = [
    (lambda: layers(nn.BatchNorm2d(4)), {"normalise": 1, "product": 1}),
    (lambda: layers(nn.BatchNorm2d(4)).eval(), {"normalise": 0, "scale": 1}),
    (lambda: layers(nn.InstanceNorm2d(4, affine=True)), {"normalise": 1, "product": 1}),
    (lambda: layers(nn.InstanceNorm2d(4)), {"normalise": 1, "product": 0}),
    (lambda: layers(nn.GroupNorm(2, 4)), {"normalise": 1}),
    (lambda: layers(nn.LayerNorm([4, 8, 8])), {"normalise": 1}),
    (lambda: layers(nn.Upsample(scale_factor=2, mode="bilinear")), {"contract": 2}),
    (lambda: layers(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)), {"contract": 2}),
    (lambda: layers(nn.Upsample(scale_factor=2)), {"contract": 0}),
    (lambda: layers(nn.AvgPool2d(3, 2, 1)), {"contract": 2}),
    (lambda: layers(nn.AvgPool2d(2, count_include_pad=False)), {"contract": 2}),
    (lambda: layers(nn.AdaptiveAvgPool2d(3)), {"contract": 2}),
    (lambda: layers(nn.MaxPool2d(3, 2, 1)), {"maximum": 1}),
    (lambda: layers(nn.MaxPool2d(3, 2, ceil_mode=True)), {"maximum": 1}),
    (lambda: layers(nn.AdaptiveMaxPool2d((3, 5))), {"maximum": 1}),
    (lambda: layers(nn.ConvTranspose2d(4, 2, 4, 2, 1)), {"conv": 2}),
    (lambda: layers(nn.ConvTranspose2d(4, 4, 3, 2, 1, output_padding=1, groups=2)), {"conv": 2}),
    (lambda: layers(nn.Conv2d(4, 8, 3, groups=4, dilation=2)), {"conv": 2}),
    (lambda: layers(nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular")), {"conv": 2, "constant": 1}),
    (lambda: layers(nn.ReflectionPad2d(2), nn.ReplicationPad2d(1), nn.ZeroPad2d(1)), {"constant": 1}),
    (lambda: layers(nn.ConstantPad2d(1, 0.5)), {"constant": 2}),
    (lambda: layers(nn.Flatten(), nn.Linear(256, 10), nn.Unflatten(1, (2, 5))), {"matmul": 1}),
    (lambda: layers(nn.Dropout(0.5)).eval(), {"conv": 1}),
    (lambda: layers(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3))), {"rsqrt": 1}),
    (lambda: Then(lambda x: torch.mul(*x.chunk(2, 1))), {"product": 1}),
    (lambda: Then(lambda x: x[:, :, ::2, 1:] + x.permute(0, 1, 3, 2)[:, :, :4, :7]), {"add": 2}),
    (lambda: Then(lambda x: x.add_(1).mul_(2)), {"scale": 1}),
    (lambda: Then(own_norm), {"normalise": 1}),
    (SkipNet, {"normalise": 1, "contract": 2, "piecewise": 1, "sigmoid": 1}),
]


def check(module: Any, expected: dict[str, int]) -> None:
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    traced = dp.from_torch(module, z)
    found = operations(traced.graph)
    assert {op: found[op] for op in expected} == expected
    with torch.no_grad():
        np.testing.assert_allclose(traced.output(), module(z).numpy().reshape(-1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("place", range(len(ACTIVATIONS)))
def test_activations_are_recognised(place: int) -> None:
    activation, expected = ACTIVATIONS[place]
    check(layers(activation), expected)


@pytest.mark.parametrize("place", range(len(LAYERS)))
def test_layers_are_traced(place: int) -> None:
    make, expected = LAYERS[place]
    check(make(), expected)


def test_parameters_have_the_names_of_the_state_dict() -> None:
    traced = dp.from_torch(SkipNet(), torch.randn(1, 4, 8, 8))
    assert traced.parameters()["down/weight"].dtype == np.float32 and traced.output_shape == (8, 8)
    assert set(traced.parameters()) == {k.replace(".", "/") for k, _ in SkipNet().named_parameters()}
    frozen = SkipNet()
    frozen.down.weight.requires_grad_(False)
    assert "down/weight" not in dp.from_torch(frozen, torch.randn(1, 4, 8, 8)).parameters()


def test_deepinv() -> None:
    deepinv = pytest.importorskip("deepinv")
    net = deepinv.models.ConvDecoder(img_size=torch.Size([1, 32, 32]), in_size=(8, 8), channels=8, layers=3)
    traced = dp.from_torch(net, torch.randn(1, 8, 8, 8))
    assert traced.output_shape == (32, 32) and operations(traced.graph)["normalise"] == 3


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: layers(nn.Dropout(0.5)), r"1 \(Dropout\)"),
    (lambda: layers().half(), "float16"),
    (lambda: layers().to("meta"), "device meta"),
    (lambda: Then(lambda x: x if x.sum() > 0 else -x), "branches"),
    (lambda: Then(lambda x: x.sort(1)[0]), "operation sort"),
    (lambda: Then(lambda x: x.detach() * x), "gradient"),
    (lambda: Then(lambda x: torch.fft.fft2(x).real), "complex"),
    (lambda: Then(lambda x: x + torch.randn_like(x)), "random"),
    (lambda: Then(torch.round), "operation round"),
    (lambda: Then(lambda x: (x, x)), "tuple"),
    (lambda: nn.ReLU(), "no trained parameters"),
    (lambda: lambda x: x, "torch.nn.Module"),
]


@pytest.mark.parametrize("place", range(len(BAD)))
def test_what_has_no_graph_is_refused(place: int) -> None:
    make, words = BAD[place]
    with pytest.raises(InputError, match=words) as caught:
        dp.from_torch(make(), torch.randn(1, 4, 8, 8))
    assert "\n" not in str(caught.value)


def test_bad_inputs_are_refused() -> None:
    for z, words in ((torch.ones(1, 4, 8, 8, dtype=torch.int64), "int64"), (np.ones(3), "ndarray")):
        with pytest.raises(InputError, match=words):
            dp.from_torch(layers(), z)
    with pytest.raises(InputError, match="2 images"):
        dp.from_torch(layers(), torch.randn(2, 4, 8, 8))


class Pieces(nn.Module):  # type: ignore[misc, name-defined]
    """What people write beside the layers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.scale = nn.Conv2d(4, 4, 3, padding=1), nn.Embedding(3, 4)
        self.bias = nn.Parameter(torch.randn(8, 8))
        self.register_buffer("which", torch.tensor(1))

    def forward(self, x: Any) -> Any:
        y = F.normalize(self.conv(x), dim=1) * self.scale(self.which)[:, None, None]
        y = F.glu(y, 1) + torch.addcmul(torch.tril(self.bias), self.bias, self.bias, value=0.5)
        best = torch.cat([y.max(1, keepdim=True)[0], y.amin(1, keepdim=True), torch.logsumexp(y, 1, keepdim=True)], 1)
        z = torch.lerp(best, best.flip(1), 0.3).masked_fill(torch.arange(8) % 2 == 0, 0.5)
        return F.log_softmax(torch.addmm(z[0, 0], z[0, 1], z[0, 2], beta=0.5, alpha=2.0), 1)


class Recurrent(nn.Module):  # type: ignore[misc, name-defined]
    """An LSTM over the rows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm = nn.LSTM(8, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.lstm(x[0, :1])[0]


class KeepsVariance(nn.Module):  # type: ignore[misc, name-defined]
    """A normalisation that writes its statistics into a buffer, in place."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(4, 4, 3)
        self.register_buffer("variance", torch.ones(4))

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        variance = y.var((0, 2, 3))
        with torch.no_grad():
            self.variance.mul_(0.9).add_(0.1 * variance)
        return y * torch.rsqrt(variance + 1e-5)[:, None, None]


def after_a_step(module: Any) -> Any:
    module(torch.ones(1, 4, 8, 8)).sum().backward()
    return module


OTHERS: list[Callable[[], Any]] = [
    Pieces,
    Recurrent,
    KeepsVariance,
    lambda: layers(nn.BatchNorm2d(4, momentum=None)),
    lambda: after_a_step(nn.Sequential(nn.utils.weight_norm(nn.Conv2d(4, 4, 3)), nn.Tanh())),
    lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3)), nn.Tanh()).eval(),
]


@pytest.mark.parametrize("place", range(len(OTHERS)))
def test_modules_as_people_have_them(place: int) -> None:
    check(OTHERS[place](), {})


class Counted(nn.Module):  # type: ignore[misc, name-defined]
    """A module that remembers how often it was called."""

    def __init__(self, buffer: bool) -> None:
        super().__init__()
        self.conv, self.buffer, self.calls = nn.Conv2d(4, 4, 3), buffer, 0
        self.register_buffer("ema", torch.ones(1))

    def forward(self, x: Any) -> Any:
        if self.buffer:
            self.ema = 0.9 * self.ema
        else:
            self.calls += 1
        return self.conv(x) * self.ema * (1 + self.calls)


def hooked() -> Any:
    module = layers()
    module[0].weight.register_hook(lambda gradient: 0.1 * gradient)
    return module


STATEFUL: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3))), r"_[uv].*\.eval\(\)"),
    (lambda: nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(4, 4, 3))), r"weight_[uv].*\.eval\(\)"),
    (lambda: Counted(True), "changes ema"),
    (lambda: Counted(False), "another result"),
    (lambda: Then(lambda x: x + torch.empty_like(x).exponential_()), "random numbers"),
    (hooked, "parameter 0.weight has a hook"),
    (lambda: nn.DataParallel(layers()), r"module\.module"),
    (lambda: torch.jit.script(layers()), "torch.jit.script"),
    (lambda: torch.compile(layers(), backend="eager"), r"module\._orig_mod"),
    (lambda: Then(lambda x: torch.softmax(x + torch.tensor(-np.inf).expand(8, 8).triu(1), -1)), "large negative"),
    (lambda: Then(lambda x: F.softplus(x, 1, 2)), "threshold"),
    (lambda: Then(lambda x: torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))), "operation cond"),
]


@pytest.mark.parametrize("place", range(len(STATEFUL)))
def test_what_is_no_function_of_the_parameters_is_refused_with_its_cure(place: int) -> None:
    make, words = STATEFUL[place]
    with pytest.raises(InputError, match=words) as caught:
        dp.from_torch(make(), torch.randn(1, 4, 8, 8))
    assert "\n" not in str(caught.value)


def test_a_network_at_rest_is_left_as_it_was() -> None:
    module = layers(nn.BatchNorm2d(4, momentum=None))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    dp.from_torch(module, torch.randn(1, 4, 8, 8))
    assert module[1].momentum is None
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def squared_then_changed(x: Any) -> Any:
    y = x.clone()
    y[:, :, 0] = y[:, :, 1] ** 2
    return y.mul_(2)


@pytest.mark.parametrize("function", [squared_then_changed, lambda x: torch.ones_like(x)])
def test_what_torch_itself_cannot_differentiate_is_refused_in_one_line(function: Callable[[Any], Any]) -> None:
    with pytest.raises(InputError) as caught:
        dp.from_torch(Then(function), torch.randn(1, 4, 4, 4))
    assert "\n" not in str(caught.value)
