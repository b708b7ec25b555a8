"""A torch model of yours with attention and linear layers on arrays that err; inference on the CPU.

    import flare.torch
    noisy = flare.torch.convert(model, {"blocks.*.attn": flare.torch.Setting("emsbq", errors, mode="read")},
                                calibration=batch, tokens=197)
    logits = noisy(images)

What is converted: torch.nn.MultiheadAttention (batch_first, self-attention), attention modules with `qkv`, `proj` and
`num_heads` as timm's, and torch.nn.Linear. A pattern that matches nothing, or something else, is an error. The arithmetic is the
program's: the same weights, calibration, seed and order of examples give the answers of `flare accuracy`.
"""

import copy
import dataclasses
import fnmatch
import re

import numpy as np
import torch

from .arrays import Attention, Linear, repeat_seed

__all__ = ["NoisyAttention", "NoisyLinear", "Setting", "convert", "repeat_seed", "reset"]

SAME = "same"


@dataclasses.dataclass
class Setting:
    """How matching layers compute. `quantizer`: emsbq, int8, or float (attention alone). `errors`: of arrays of weights;
    `dynamic_errors`: of those of keys and values. `mode`: read or die. `seed`: of one draw or die; repeat_seed(seed, r) is the
    one `flare accuracy` takes for its repeat r. `options`: activation_bits, kv_bits, input_encoding, weight_encoding."""

    quantizer: str = "emsbq"
    errors: object = None
    dynamic_errors: object = SAME
    mode: str = "read"
    seed: int = 1
    options: dict = dataclasses.field(default_factory=dict)

    def dynamic(self):
        return self.errors if self.dynamic_errors is SAME else self.dynamic_errors

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
        return (self.first_example + row) * self.tokens % 2**32

    def advance(self, module, arguments, output):
        self.first_example += len(arguments[0])


def plain(tensor):
    return np.ascontiguousarray(tensor.detach().to(torch.float32).cpu().numpy())


def refuse_gradients(x):
    if torch.is_grad_enabled() and x.requires_grad:
        raise RuntimeError("flare.torch is for inference: run it under torch.no_grad()")


class Noisy(torch.nn.Module):
    """A layer of the native module, sequence by sequence. counters: what its reads counted so far, by kind of array."""

    def __init__(self, native, numbers):
        super().__init__()
        self.native, self.numbers, self.counters = native, numbers, {}

    def __deepcopy__(self, memo):
        raise TypeError("a converted layer is not copied: convert the model again")

    def count(self, counters):
        for kind, counted in counters.items():
            sums = self.counters.setdefault(kind, dict.fromkeys(counted, 0))
            for name, number in counted.items():
                sums[name] += number

    def run(self, x):
        refuse_gradients(x)
        if x.dim() not in (2, 3):
            raise ValueError("batch x tokens x width is expected, or batch x width")
        out = []
        for row, sequence in enumerate(x if x.dim() == 3 else x.unsqueeze(1)):
            if len(sequence) > self.numbers.tokens:
                raise ValueError(f"a sequence of {len(sequence)} tokens; convert() was told of {self.numbers.tokens}")
            y, counters = self.native.forward(plain(sequence), self.numbers.first_token(row))
            self.count(counters)
            out.append(torch.from_numpy(y))
        return torch.stack(out).reshape(*x.shape[:-1], -1).to(x.dtype)


class NoisyLinear(Noisy):
    """Stands for torch.nn.Linear; the bias is digital."""

    def __init__(self, native, numbers, bias):
        super().__init__(native, numbers)
        self.bias = bias

    def forward(self, x):
        y = self.run(x)
        return y if self.bias is None else y + self.bias.detach()


class NoisyAttention(Noisy):
    """Stands for timm's attention, and for torch.nn.MultiheadAttention where `pair` says that a pair is returned."""

    # What torch.nn.TransformerEncoderLayer asks before it would use the weights itself: here it must not.
    batch_first, _qkv_same_embed_dim = True, False

    def __init__(self, native, numbers, pair):
        super().__init__(native, numbers)
        self.pair = pair

    def forward(self, x, key=None, value=None, key_padding_mask=None, need_weights=True, attn_mask=None, **_):
        same = all(other is None or other is x or torch.equal(other, x) for other in (key, value))
        if not same or key_padding_mask is not None or attn_mask is not None:
            raise NotImplementedError("self-attention without masks is supported")
        y = self.run(x)
        return (y, None) if self.pair else y


def is_attention(module):
    return isinstance(module, torch.nn.MultiheadAttention) or all(hasattr(module, n) for n in ("qkv", "proj", "num_heads"))


def fused_parts(module):
    """Fused weight and bias, output layer."""
    if isinstance(module, torch.nn.MultiheadAttention):
        if not module.batch_first or module.in_proj_weight is None or module.bias_k is not None or module.add_zero_attn:
            raise TypeError("MultiheadAttention: batch_first, one width and no extra keys are expected")
        return module.in_proj_weight, module.in_proj_bias, module.out_proj
    for name in ("q_norm", "k_norm", "norm"):
        if not isinstance(getattr(module, name, None), (type(None), torch.nn.Identity)):
            raise TypeError(f"attention with {name} is not supported")
    return module.qkv.weight, module.qkv.bias, module.proj


def attention_parts(module):
    """(query, key, value, output) weights as (inputs, outputs), and biases."""
    fused, fused_bias, out = fused_parts(module)
    weights = [np.ascontiguousarray(plain(w).T) for w in (*fused.chunk(3), out.weight)]
    biases = {} if fused_bias is None else dict(zip(("query", "key", "value"), map(plain, fused_bias.chunk(3))))
    if out.bias is not None:
        biases["output"] = plain(out.bias)
    return weights, biases


# Last parts of names that say what a product of the feed-forward part is: its number among the arrays of the layer.
PARTS = {"gate_proj": 0, "w1": 0, "fc1": 1, "up": 1, "up_proj": 1, "linear1": 1, "c_fc": 1, "fc2": 2, "down": 2, "down_proj": 2,
         "linear2": 2}


class Places:
    """Layer and number of a product, which say what random numbers its array draws: the first number in the module's name, and
    the name's last part; no two products share a place."""

    def __init__(self):
        self.taken = set()

    def of(self, name, is_attention):
        number = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
        place = (int(number[1]) if number else 0, None if is_attention else PARTS.get(name.rpartition(".")[2], 1))
        while place in self.taken:
            place = (place[0] + 1, place[1])
        self.taken.add(place)
        return place


def converted(module, setting, numbers, place, inputs):
    layer, number = place
    calibration = [plain(x) for x in inputs]
    if is_attention(module):
        weights, biases = attention_parts(module)
        native = Attention(setting.quantizer, *weights, biases=biases, heads=module.num_heads, layer=layer,
                           calibration=calibration, settings=setting.settings(), tokens=numbers.tokens)
        native.set_errors(setting.errors, setting.dynamic(), setting.mode, setting.seed)
        return NoisyAttention(native, numbers, isinstance(module, torch.nn.MultiheadAttention))
    native = Linear(setting.quantizer, np.ascontiguousarray(plain(module.weight).T), layer=layer, number=number,
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
    within = [(outer, inner) for outer, _, _ in found for inner, _, _ in found if inner.startswith(outer + ".")]
    if within:
        raise KeyError(f"'{within[0][1]}' is part of '{within[0][0]}', which is converted, too")
    return found


def inputs_of(model, found, calibration):
    """What each layer sees for the examples of `calibration`. With gradients on: without them torch.nn.TransformerEncoderLayer
    takes a path around its parts."""
    seen = {name: [] for name, _, _ in found}
    hooks = []
    for name, module, _ in found:
        def keep(_, arguments, name=name):
            x = arguments[0]
            seen[name].extend(x if x.dim() == 3 else x.unsqueeze(1))
        hooks.append(module.register_forward_pre_hook(keep))
    try:
        with torch.enable_grad():
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
    if calibration is None and any(setting.quantizer == "emsbq" for _, _, setting in found):
        raise ValueError("emsbq needs calibration: a batch of examples")
    seen = inputs_of(noisy, found, calibration) if calibration is not None else {}
    numbers, places = Numbers(tokens), Places()
    for name, module, setting in found:
        new = converted(module, setting, numbers, places.of(name, is_attention(module)), seen.get(name, []))
        parent, _, own = name.rpartition(".")
        setattr(noisy.get_submodule(parent), own, new)
    noisy.register_forward_hook(numbers.advance)
    noisy.flare_numbers = numbers
    return noisy


def reset(noisy):
    """The next batch of a converted model holds the first examples again; what was counted is forgotten."""
    noisy.flare_numbers.first_example = 0
    for module in noisy.modules():
        if isinstance(module, Noisy):
            module.counters = {}
