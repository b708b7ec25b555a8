"""A torch model of yours with attention and linear layers on arrays that err; inference on the CPU.

    import flare.torch
    noisy = flare.torch.convert(model, {"blocks.*.attn": flare.torch.Setting("emsbq", errors, mode="read")},
                                calibration=batch, tokens=197)
    logits = noisy(images)

What is converted: torch.nn.MultiheadAttention (batch_first, self-attention), attention modules with `qkv`, `proj` and
`num_heads` as timm's, and torch.nn.Linear. A pattern that matches nothing, or something else, is an error. The arithmetic is the
program's: the same weights, calibration, seed and order of examples give the integers of `flare accuracy`.
"""

import copy
import dataclasses
import fnmatch

import numpy as np
import torch

from .arrays import Attention, Linear, repeat_seed

__all__ = ["NoisyAttention", "NoisyLinear", "Setting", "convert", "repeat_seed"]


@dataclasses.dataclass
class Setting:
    """How matching layers compute. `errors`: of arrays of weights; `dynamic_errors`: of keys and values (default: the same).
    `seed`: of one draw or die; repeat_seed(seed, r) is the one `flare accuracy` takes for its repeat r. `options`: widths and
    encodings (activation_bits, kv_bits, input_encoding, weight_encoding)."""

    quantizer: str = "emsbq"
    errors: object = None
    dynamic_errors: object = "same"
    mode: str = "read"
    seed: int = 1
    options: dict = dataclasses.field(default_factory=dict)

    def dynamic(self):
        return self.errors if isinstance(self.dynamic_errors, str) else self.dynamic_errors

    def settings(self):
        own = dict(self.options)
        if self.errors is not None:
            own["sawl"] = self.errors.sawl
        if self.dynamic() is not None:
            own["dynamic_sawl"] = self.dynamic().sawl
        return own


class Numbers:
    """Which tokens of the run a batch holds: errors are drawn by number, not by call."""

    def __init__(self, tokens):
        self.tokens, self.first_example = tokens, 0

    def first_token(self, row):
        return (self.first_example + row) * self.tokens


def plain(tensor):
    return tensor.detach().to(torch.float32).cpu().numpy()


def refuse_gradients(x):
    if torch.is_grad_enabled() and x.requires_grad:
        raise RuntimeError("flare.torch is for inference: run it under torch.no_grad()")


class Noisy(torch.nn.Module):
    """A layer of the native module, sequence by sequence."""

    def __init__(self, native, numbers):
        super().__init__()
        self.native, self.numbers, self.counters = native, numbers, []

    def __deepcopy__(self, memo):
        raise TypeError("a converted layer is not copied: convert the model again")

    def run(self, x):
        refuse_gradients(x)
        rows = x.reshape(1, *x.shape) if x.dim() == 2 else x
        if rows.dim() != 3:
            raise ValueError("batch x tokens x width is expected")
        out = []
        for i, sequence in enumerate(rows):
            y, counters = self.native.forward(np.ascontiguousarray(plain(sequence)), self.numbers.first_token(i))
            self.counters.append(counters)
            out.append(torch.from_numpy(y))
        return torch.stack(out).reshape(*x.shape[:-1], -1).to(x.dtype)


class NoisyLinear(Noisy):
    def __init__(self, native, numbers, bias):
        super().__init__(native, numbers)
        self.bias = bias

    def forward(self, x):
        y = self.run(x)
        return y if self.bias is None else y + self.bias


class NoisyAttention(Noisy):
    """Stands for timm's attention, and for torch.nn.MultiheadAttention where `pair` says that a pair is returned."""

    def __init__(self, native, numbers, pair):
        super().__init__(native, numbers)
        self.pair = pair

    def forward(self, x, key=None, value=None, key_padding_mask=None, need_weights=True, attn_mask=None, **_):
        same = all(other is None or other is x or torch.equal(other, x) for other in (key, value))
        if not same or key_padding_mask is not None or attn_mask is not None:
            raise NotImplementedError("self-attention without masks is supported")
        y = self.run(x)
        return (y, None) if self.pair else y


def attention_parts(module):
    """(query, key, value, output) weights as (inputs, outputs), and biases."""
    if isinstance(module, torch.nn.MultiheadAttention):
        if not module.batch_first or module.in_proj_weight is None:
            raise TypeError("MultiheadAttention: batch_first and one width are expected")
        fused, fused_bias, out, heads = module.in_proj_weight, module.in_proj_bias, module.out_proj, module.num_heads
    else:
        if type(getattr(module, "q_norm", None)).__name__ not in ("NoneType", "Identity"):
            raise TypeError("norms of queries and keys are not supported")
        fused, fused_bias, out, heads = module.qkv.weight, module.qkv.bias, module.proj, module.num_heads
    weights = [np.ascontiguousarray(plain(w).T) for w in fused.chunk(3)] + [np.ascontiguousarray(plain(out.weight).T)]
    biases = {} if fused_bias is None else dict(zip(("query", "key", "value"), map(plain, fused_bias.chunk(3))))
    if out.bias is not None:
        biases["output"] = plain(out.bias)
    return weights, biases, heads


def is_attention(module):
    return isinstance(module, torch.nn.MultiheadAttention) or all(hasattr(module, n) for n in ("qkv", "proj", "num_heads"))


def converted(module, setting, numbers, layer, inputs):
    calibration = [np.ascontiguousarray(plain(x)) for x in inputs]
    if is_attention(module):
        weights, biases, heads = attention_parts(module)
        native = Attention(setting.quantizer, *weights, biases=biases, heads=heads, layer=layer, calibration=calibration,
                           settings=setting.settings(), tokens=numbers.tokens)
        native.set_errors(setting.errors, setting.dynamic(), setting.mode, setting.seed)
        return NoisyAttention(native, numbers, isinstance(module, torch.nn.MultiheadAttention))
    native = Linear(setting.quantizer, np.ascontiguousarray(plain(module.weight).T), layer=layer, number=1,
                    calibration=calibration, settings=setting.settings())
    native.set_errors(setting.errors, setting.mode, setting.seed)
    return NoisyLinear(native, numbers, module.bias)


def matches(model, settings):
    """(name, module, setting), in the model's order; every pattern matches something that can be converted."""
    found, unused = [], set(settings)
    for name, module in model.named_modules():
        for pattern, setting in settings.items():
            if not fnmatch.fnmatchcase(name, pattern):
                continue
            if not is_attention(module) and not isinstance(module, torch.nn.Linear):
                raise TypeError(f"'{pattern}' matches '{name}', a {type(module).__name__}: attention or Linear is expected")
            unused.discard(pattern)
            found.append((name, module, setting))
            break
    if unused:
        raise KeyError(f"no layer matches {', '.join(sorted(unused))}")
    return found


def inputs_of(model, found, calibration):
    """What each layer sees for the examples of `calibration`."""
    seen = {name: [] for name, _, _ in found}
    hooks = []
    for name, module, _ in found:
        def keep(_, args, name=name):
            seen[name].extend(args[0] if args[0].dim() == 3 else [args[0]])
        hooks.append(module.register_forward_pre_hook(keep))
    try:
        with torch.no_grad():
            model(calibration)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def convert(model, settings, calibration=None, tokens=1):
    """A copy of `model` in which the layers that `settings` (pattern -> Setting) name compute on arrays. calibration: a batch
    that fixes static scales (emsbq). tokens: of the longest sequence; numbers the random draws, and sizes a die's arrays."""
    noisy = copy.deepcopy(model).eval()
    found = matches(noisy, settings)
    needs = any(setting.quantizer == "emsbq" for _, _, setting in found)
    if needs and calibration is None:
        raise ValueError("emsbq needs calibration: a batch of examples")
    seen = inputs_of(noisy, found, calibration) if calibration is not None else {}
    numbers = Numbers(tokens)
    counts = {"attention": 0, "linear": 0}
    for name, module, setting in found:
        kind = "attention" if is_attention(module) else "linear"
        new = converted(module, setting, numbers, counts[kind], seen.get(name, []))
        counts[kind] += 1
        parent, _, own = name.rpartition(".")
        setattr(noisy.get_submodule(parent), own, new)
    noisy.register_forward_hook(lambda _, args, out: setattr(numbers, "first_example", numbers.first_example + len(args[0])))
    noisy.flare_numbers = numbers
    return noisy
