"""Functions of JAX become graphs that compute the same, or are refused in one line that says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dipproofs as dp
from dipproofs.errors import InputError

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((1, 6, 6, 4))
PARAMS = {
    "conv": {"w": 0.3 * RNG.standard_normal((3, 3, 4, 4)), "b": 0.1 * RNG.standard_normal(4)},
    "scale": 1 + 0.1 * RNG.standard_normal(4),
}


@pytest.fixture(autouse=True)
def as_users_have_it() -> Iterator[None]:
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def conv(x: Any, w: Any) -> Any:
    return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def network(last: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda p: last(conv(Z, p["conv"]["w"]) * p["scale"] + p["conv"]["b"])


def operations(graph: Any) -> Counter[str]:
    return Counter(n["function"] if n.op == "entrywise" else n.op for n in graph.nodes)


def joined(*functions: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Many functions in one program, so that one compilation checks all."""
    return lambda x: jnp.stack([f(x) for f in functions])


def standardise(axes: Any, epsilon: float) -> Callable[[Any], Any]:
    return lambda x: jax.nn.standardize(x, axis=axes, epsilon=epsilon)


def fast_variance(x: Any) -> Any:
    mean, square = x.mean((1, 2), keepdims=True), (x * x).mean((1, 2), keepdims=True)
    return (x - mean) * (jax.lax.rsqrt(jnp.maximum(0.0, square - mean**2) + 1e-5) * PARAMS["scale"])


GROUPED = (
    joined(
        jax.nn.silu,
        lambda x: jax.nn.gelu(x, approximate=False),
        jax.nn.gelu,
        jax.nn.softplus,
        jax.nn.elu,
        jax.nn.mish,
        jax.nn.sigmoid,
        jnp.tanh,
        jax.nn.soft_sign,
        lambda x: jnp.sin(30 * x),
        lambda x: jax.nn.softplus(5 * x) / 5,
        lambda x: x * jax.nn.sigmoid(1.7 * x),
        jax.nn.log_sigmoid,
    ),
    {"silu": 2, "gelu": 1, "gelu-tanh": 1, "softplus": 3, "elu": 1, "mish": 1, "sigmoid": 1, "tanh": 1, "softsign": 1},
)
KINKED = (
    joined(
        jax.nn.relu,
        jax.nn.leaky_relu,
        jax.nn.relu6,
        jax.nn.hard_tanh,
        jnp.abs,
        lambda x: jnp.clip(x, -0.3, 0.5),
        lambda x: jnp.where(x >= 0, x, 0.25 * x),
        jax.nn.hard_sigmoid,
    ),
    {"piecewise": 8, "product": 1},
)
CASES: dict[str, tuple[Callable[[Any], Any], dict[str, int]]] = {
    "smooth": GROUPED,
    "kinked": KINKED,
    "elu": (
        joined(lambda x: jax.nn.elu(x, 0.7), jax.nn.selu, lambda x: jax.nn.celu(x, 2.0)),
        {"elu": 2, "piecewise": 2},
    ),
    "resize": (lambda x: jax.image.resize(x, (1, 12, 9, 4), "bilinear"), {"contract": 2, "gather": 4}),
    "nearest": (lambda x: jax.image.resize(x, (1, 12, 12, 4), "nearest"), {"gather": 4}),
    "norms": (
        joined(standardise((1, 2), 1e-4), standardise(-1, 1e-3), standardise((1, 2, 3), 1e-6), fast_variance),
        {"normalise": 4, "rsqrt": 0, "sqrt": 0},
    ),
    "twice": (lambda x: standardise(-1, 1e-3)(standardise((1, 2), 1e-3)(x)), {"normalise": 2}),
    "group": (lambda x: standardise((1, 2, 4), 1e-5)(x.reshape(1, 6, 6, 2, 2)), {"normalise": 1, "gather": 5}),
    "rms": (lambda x: x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-6), {"normalise": 1, "square": 0}),
    "softmax": (joined(jax.nn.softmax, lambda x: jax.nn.softmax(x, axis=1)), {"softmax": 2, "exp": 0, "maximum": 0}),
    "pools": (
        lambda x: (
            jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
            + jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
        ),
        {"maximum": 1, "contract": 2},
    ),
    "index maps": (
        lambda x: (
            jnp.concatenate([jnp.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)), mode="reflect")[:, ::-1], x[:, :, ::-1]], 1)
            + jnp.pad(jnp.roll(x, 2, 1), ((0, 0), (0, 7), (0, 0), (0, 0)), constant_values=0.5)
        ),
        {"add": 2},
    ),
    "set": (lambda x: x.at[0, 1].set(0.5) + jnp.where(Z > 0, x, jnp.sin(x)), {"sin": 1}),
    "attention": (
        lambda x: jax.nn.softmax(jnp.einsum("bhwc,bhvc->bhwv", x, x), -1) @ x,
        {"matmul": 2, "softmax": 1},
    ),
    "transposed": (
        lambda x: jax.lax.conv_transpose(x, PARAMS["conv"]["w"], (2, 2), "SAME"),
        {"conv": 2},
    ),
    "calls": (
        lambda x: jax.lax.scan(lambda c, _: (jax.checkpoint(jnp.sin)(c), None), x, None, length=3)[0],
        {"sin": 3},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_functions_are_traced_and_fused(case: str) -> None:
    last, expected = CASES[case]
    traced = dp.from_jax(network(last), PARAMS)
    found = operations(traced.graph)
    assert {op: found[op] for op in expected} == expected
    with jax.enable_x64(True):
        wanted = np.asarray(jax.jit(network(last))(PARAMS)).reshape(-1)
    np.testing.assert_allclose(traced.output(), wanted, rtol=1e-9, atol=1e-9)
    assert sorted(traced.parameters()) == ["conv/b", "conv/w", "scale"]


surrogate = jax.custom_jvp(jnp.tanh)
surrogate.defjvp(lambda point, tangent: (jnp.tanh(point[0]), tangent[0]))
clipped = jax.custom_vjp(jnp.tanh)
clipped.defvjp(lambda x: (jnp.tanh(x), x), lambda x, g: (jnp.clip(g * (1 - jnp.tanh(x) ** 2), -1e3, 1e3),))


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
@pytest.mark.parametrize("inner", [lambda x: x, jnp.sin], ids=["of a parameter", "of a node"])
def test_log_softmax_and_softmax_whose_stopped_maximum_cancels(inner: Callable[[Any], Any], axis: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))
    for function in (jax.nn.log_softmax, jax.nn.softmax) if axis == -1 else (jax.nn.log_softmax,):
        traced = dp.from_jax(lambda p, f=function: f(inner(p), axis), x)
        with jax.enable_x64(True):
            np.testing.assert_allclose(traced.output(), np.asarray(function(inner(x), axis)).ravel(), atol=1e-14)
        assert not {"maximum", "piecewise"} & {node.op for node in traced.graph.nodes}


def _capped(floor: float) -> Callable[[Any], Any]:
    """The primitives of JAX' function, but x − log Σ exp(x − m): another function where the maximum exceeds `floor`."""

    def log_softmax(x: Any) -> Any:
        m = jax.lax.stop_gradient(jnp.maximum(floor, x.max(-1, keepdims=True)))
        return x - jnp.log(jnp.exp(x - m).sum(-1, keepdims=True))

    return log_softmax


def test_a_function_of_the_name_log_softmax_is_read_as_what_it_is() -> None:
    def log_softmax(x: Any) -> Any:
        return x - jax.lax.stop_gradient(x.max())

    for function in (log_softmax, _capped(1.0), _capped(0.0), _capped(-np.inf)):
        with pytest.raises(InputError, match="stop_gradient"):
            dp.from_jax(jax.jit(function), -np.arange(1.0, 4.0))
    with pytest.raises(InputError, match="stop_gradient"):
        dp.from_jax(lambda x: jax.nn.log_softmax(x, where=np.array([True, False, True])), np.arange(3.0))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [-1, 0, None])
def test_logsumexp_is_traced_by_what_it_means(axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))

    def apply(p: Any) -> Any:
        return (2 * jax.nn.logsumexp(jnp.sin(p), axis, keepdims=keepdims) + p.sum()).reshape(-1)

    traced = dp.from_jax(apply, x)
    with jax.enable_x64(True):
        np.testing.assert_allclose(traced.output(), np.asarray(apply(x)), atol=1e-14)
        moved, direction = traced.with_parameters({"parameters": x + 40.0}), np.asarray(apply(x + 40.0))
    np.testing.assert_allclose(moved.output(), direction, rtol=1e-14)
    assert not {"maximum", "piecewise"} & {node.op for node in traced.graph.nodes}


def test_what_only_resembles_logsumexp_is_refused_with_what_to_do() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))

    def another(p: Any, above: float = 0.0, floor: float = -np.inf) -> Any:
        m = jnp.max(p, axis=1, initial=floor)
        m = jax.lax.stop_gradient(jnp.where(jnp.isfinite(m), m, 0.0))
        return jnp.log(jnp.abs(jnp.exp(p - m[:, None]).sum(1))) + m + above * m

    for function in (
        lambda p: another(p, 1.0),
        lambda p: another(p, 0.0, 0.5),
        lambda p: jax.nn.logsumexp(p, 1, b=np.array([1.0, 2.0, 3.0])),
        lambda p: jax.nn.logsumexp(p, 1, where=np.array([True, False, True])),
    ):
        with pytest.raises(InputError, match=r"logsumexp: without b and where, or jnp\.log\(jnp\.exp\(x\)\.sum\(\)\)"):
            dp.from_jax(function, x)


def test_a_softmax_over_another_axis_is_refused_with_what_to_do_and_a_cap_is_kept() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))
    with pytest.raises(InputError, match=r"softmax: over the last axis, as jax\.nn\.softmax\(x\.T\)\.T"):
        dp.from_jax(lambda p: jax.nn.softmax(jnp.sin(p), 0), x)
    assert dp.from_jax(lambda p: jax.nn.softmax(jnp.sin(p).T).T, x).output_shape == (2, 3)

    def capped(p: Any) -> Any:
        powers = jnp.exp(jnp.minimum(p, 50.0))
        return powers / powers.sum(-1, keepdims=True)

    traced = dp.from_jax(capped, x)
    assert "piecewise" in {node.op for node in traced.graph.nodes}
    far = traced.with_parameters({name: value + 60.0 for name, value in traced.values.items()})
    np.testing.assert_allclose(far.output(), 1 / 3, atol=1e-12)


def _shifted_softmax(epsilon: float) -> Callable[[Any], Any]:
    def softmax(x: Any) -> Any:
        powers = jnp.exp(x - jax.lax.stop_gradient(x.max(-1, keepdims=True)))
        return powers / (powers.sum(-1, keepdims=True) + epsilon)

    return softmax


@pytest.mark.parametrize("epsilon", [1e-12, 1e-9, 1e-3])
def test_a_softmax_with_a_number_in_its_denominator_is_none(epsilon: float) -> None:
    """With the maximum subtracted it has the values of a softmax up to ε everywhere; its gradient is not its own."""
    x = np.random.default_rng(0).standard_normal((2, 3))
    assert operations(dp.from_jax(_shifted_softmax(0.0), x).graph)["softmax"] == 1
    for inner in (jnp.sin, lambda x: x):
        with pytest.raises(InputError, match="stop_gradient"):
            dp.from_jax(lambda p, f=inner: _shifted_softmax(epsilon)(f(p)), x)


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"more": 1e-15},
        {"added": 1e-11},
        {"times": 1 + 1e-10},
        {"variance": 1 + 1e-10},
        {"epsilon": 1.0000000001e-5},
    ],
    ids=str,
)
def test_no_number_of_a_normalisation_is_lost(numbers: dict[str, float]) -> None:
    given = {"epsilon": 1e-5, "more": 0.0, "added": 0.0, "times": 1.0, "variance": 1.0} | numbers

    def apply(p: Any) -> Any:
        x = jnp.sin(p)
        centred = x - x.mean(-1, keepdims=True)
        variance = given["variance"] * (centred**2).mean(-1, keepdims=True)
        inverse = jax.lax.rsqrt(variance + (given["epsilon"] + given["more"]))
        return (given["times"] * centred + given["added"]) * inverse

    x = np.random.default_rng(0).standard_normal((2, 6))
    traced = dp.from_jax(apply, x)
    assert numbers or operations(traced.graph)["normalise"] == 1
    for factor in (1e-6, 1e-3, 1.0):
        found = traced.with_parameters({name: factor * value for name, value in traced.values.items()}).output()
        with jax.enable_x64(True):
            np.testing.assert_allclose(found, np.asarray(apply(factor * x)).ravel(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("factor", [1 + 1e-11, 1 - 1e-12])
def test_a_factor_near_one_is_kept(factor: float) -> None:
    graph = dp.from_jax(lambda x: jax.nn.sigmoid(x * factor), np.arange(3.0)).graph
    assert [node["factor"] for node in graph.nodes if node.op == "scale"] == [factor]


BAD: dict[str, tuple[Callable[[Any], Any], str]] = {
    "stop": (lambda x: jax.lax.stop_gradient(x) * x, "stop_gradient"),
    "sort": (lambda x: jnp.sort(x, 1), "primitive sort"),
    "step": (lambda x: jnp.where(x > 0, 1.0, 0.0) * 1.0, "not continuous"),
    "while": (lambda x: jax.lax.while_loop(lambda c: c.sum() < 1, lambda c: c + 1, x), "primitive while"),
    "cond": (lambda x: jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x), "branches"),
    "random": (lambda x: x * jax.random.bernoulli(jax.random.key(0), 0.5, x.shape), "random"),
    "half": (lambda x: x.astype(jnp.float16).astype(jnp.float32), "float16"),
    "round": (jnp.round, "primitive round"),
    "complex": (lambda x: jnp.fft.fft2(x, axes=(1, 2)).real, "complex"),
    "surrogate": (surrogate, "gradient"),
    "clipped gradient": (clipped, "gradient"),
    "long": (lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=100)[0], "scan of length 100"),
    "integers": (lambda x: jnp.argmax(x, 0), "int"),
    "two": (lambda x: (x, x), "2 arrays"),
    "fails": (lambda x: x @ jnp.ones((7, 7)), "fails"),
}


def _standardised(variance: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        c = 2 * x - (2 * x).mean()
        return c / jnp.sqrt(variance((c * c).mean()))

    return function


def _softmax_with(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: jnp.exp(2 * x) / change(jnp.exp(2 * x).sum())


#: Numbers that matter far from the parameters only, and how far.
FAR: dict[str, tuple[Callable[[Any], Any], float]] = {
    "capped variance": (_standardised(lambda v: jnp.minimum(v, 100.0) + 1e-5), 50.0),
    "clipped variance": (_standardised(lambda v: jnp.clip(v, 1e-8, 1e4) + 1e-5), 500.0),
    "capped softmax": (_softmax_with(lambda total: jnp.minimum(total, 1e6)), 20.0),
    "softmax with an offset": (_softmax_with(lambda total: total + 1e-10), -20.0),
    "capped power": (lambda x: 1 / jnp.minimum(1 + 1e-3 * jnp.abs(x), 1e6), 1e10),
    "floor of a square": (lambda x: jnp.maximum(jnp.exp(x), 1e-6) ** 2, -20.0),
    "smooth absolute value": (lambda x: jnp.sqrt(x**2 + 1e-12), 1e-7),
    "logarithm with an offset": (lambda x: jnp.log(jnp.exp(x) + 1e-14), -40.0),
}


@pytest.mark.parametrize("case", FAR)
def test_numbers_that_matter_far_away_are_kept(case: str) -> None:
    function, at = FAR[case]
    x = np.array([0.3, -0.7, 1.1])
    traced = dp.from_jax(function, x)
    far = at * np.array([1.0, 1.2, 0.9])
    with jax.enable_x64(True):
        expected = np.asarray(function(jnp.asarray(far)))
    np.testing.assert_allclose(traced.with_parameters({"parameters": far}).output(), expected, rtol=1e-8)


@pytest.mark.parametrize("case", BAD)
def test_what_has_no_graph_is_refused(case: str) -> None:
    last, words = BAD[case]
    with pytest.raises(InputError, match=words) as caught:
        dp.from_jax(network(last), PARAMS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"w": np.ones(3, int)}, "integers are not trained"),
        ({"w": np.ones(3, np.float16)}, "float16"),
        ({"w": np.array([np.nan])}, "not finite"),
        ({"w": jnp.ones(2) * 1j}, "complex"),
        ({"f": jnp.sin}, "no float arrays"),
        ({"k": jax.random.key(0)}, "random key"),
    ],
)
def test_bad_parameters_are_refused(params: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        dp.from_jax(lambda p: p, params)


def test_a_part_that_is_not_needed_may_be_anything() -> None:
    traced = dp.from_jax(lambda p: (jnp.sort(p), jnp.sin(p))[1], np.ones(3))
    assert list(traced.parameters()) == ["parameters"]


def test_float32_programs_are_read_as_real_ones() -> None:
    z, w = jnp.asarray(Z, jnp.float32), jnp.asarray(PARAMS["conv"]["w"], jnp.float32)
    traced = dp.from_jax(lambda p: jax.nn.gelu(conv(z, p)).sum(-1), w)
    assert operations(traced.graph)["gelu-tanh"] == 1
    assert traced.dtype == np.float32 and traced.output_shape == (6, 6)


def test_shapes() -> None:
    def function(p: Any) -> Any:
        return jnp.sin(p)[None, :, :, None]

    assert dp.from_jax(function, np.ones((2, 3))).output_shape == (2, 3)
    assert dp.from_jax(function, np.ones((2, 3)), output_shape=(3, 2)).output_shape == (3, 2)
    with pytest.raises(InputError, match="output_shape"):
        dp.from_jax(function, np.ones((2, 3)), output_shape=(4, 2))


def test_prelu_has_a_trained_slope() -> None:
    traced = dp.from_jax(
        lambda p: jnp.where(jnp.tanh(p["x"]) > 0, jnp.tanh(p["x"]), p["a"] * jnp.tanh(p["x"])),
        {
            "x": RNG.standard_normal(5),
            "a": np.array(0.25),
        },
    )
    assert operations(traced.graph)["piecewise"] == 2


def test_flax_linen() -> None:
    nn = pytest.importorskip("flax.linen")

    class Net(nn.Module):  # type: ignore[name-defined, misc]
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.silu(nn.InstanceNorm()(nn.Conv(4, (3, 3), strides=2)(x)))
            x = nn.leaky_relu(nn.GroupNorm(2)(nn.Conv(4, (3, 3), padding="CIRCULAR")(x)))
            x = nn.gelu(nn.BatchNorm(use_running_average=False)(nn.ConvTranspose(4, (4, 4), strides=(2, 2))(x)))
            x = nn.max_pool(nn.avg_pool(x, (2, 2), (2, 2)), (2, 2))
            return nn.sigmoid(nn.Dense(1)(nn.RMSNorm()(nn.LayerNorm()(x))))

    net, z = Net(), jax.random.normal(jax.random.key(0), (1, 8, 8, 4))
    start = net.init(jax.random.key(1), z)
    fixed = {"batch_stats": start["batch_stats"]}

    def apply(p: Any) -> Any:
        return net.apply({"params": p, **fixed}, z, mutable=["batch_stats"])[0]

    traced = dp.from_jax(apply, start["params"])
    # default strides of windows differ between versions of Flax
    assert operations(traced.graph)["normalise"] == 5 and traced.output_shape == apply(start["params"]).shape[1:3]


def test_flax_nnx() -> None:
    nnx = pytest.importorskip("flax.nnx")
    conv_layer, norm = nnx.Conv(4, 1, (3, 3), rngs=nnx.Rngs(0)), nnx.LayerNorm(4, rngs=nnx.Rngs(0))
    z = jax.random.normal(jax.random.key(0), (1, 8, 8, 4))
    structure, params = nnx.split((norm, conv_layer))

    def apply(p: Any) -> Any:
        first, second = nnx.merge(structure, p)
        return second(nnx.silu(first(z)))

    assert {"1/bias", "1/kernel"} < set(dp.from_jax(apply, params).parameters())


def test_equinox() -> None:
    eqx = pytest.importorskip("equinox")
    keys = jax.random.split(jax.random.key(0), 3)
    z = jax.random.normal(keys[2], (4, 8, 8))
    layers = [eqx.nn.Conv2d(4, 4, 3, padding=1, key=keys[0]), eqx.nn.GroupNorm(2, 4), eqx.nn.PReLU()]
    layers.append(eqx.nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1, key=keys[1]))
    # Sequential gives every layer a key, which PReLU refuses in some versions
    traced = dp.from_jax(lambda model: reduce(lambda x, layer: layer(x), model, z), layers)
    assert operations(traced.graph)["normalise"] == 1 and traced.output_shape == (16, 16)
    assert "0/weight" in traced.parameters()


def test_haiku() -> None:
    hk = pytest.importorskip("haiku")

    def forward(x: Any) -> Any:
        x = jax.nn.silu(hk.InstanceNorm(True, True)(hk.Conv2D(4, 3)(x)))
        return jax.nn.sigmoid(hk.Linear(1)(hk.Conv2DTranspose(4, 3, stride=2)(x)))

    net, z = hk.without_apply_rng(hk.transform(forward)), jax.random.normal(jax.random.key(0), (1, 8, 8, 4))
    traced = dp.from_jax(lambda p: net.apply(p, z), net.init(jax.random.key(1), z))
    assert operations(traced.graph)["normalise"] == 1 and traced.output_shape == (16, 16)


def test_constants_of_a_float32_program_are_computed_while_it_is_compiled() -> None:
    """As Haiku's batch normalisation does for its averages."""
    weights = np.ones(5, np.float32)

    def apply(params: Any) -> Any:
        decay = jnp.power(jnp.float32(0.9), jnp.arange(1, 6, dtype=jnp.float32))
        return jax.lax.mul(jnp.asarray(weights), jnp.sin(params)) / (1 - decay)

    traced = dp.from_jax(apply, np.linspace(-1, 1, 5, dtype=np.float32))
    np.testing.assert_allclose(traced.output(), apply(traced.parameters()["parameters"]), rtol=1e-5)


def test_pieces_may_be_empty() -> None:
    traced = dp.from_jax(lambda p: jax.lax.associative_scan(jnp.add, p), np.arange(1.0, 6.0))
    np.testing.assert_allclose(traced.output(), [1, 3, 6, 10, 15])


def test_a_mask_of_infinities_is_refused_with_its_cure() -> None:
    mask = np.triu(np.full((3, 3), -np.inf), 1)
    with pytest.raises(InputError, match=r"large negative number, such as -1e4"):
        dp.from_jax(lambda p: jnp.exp(p + mask), np.ones((3, 3)))
