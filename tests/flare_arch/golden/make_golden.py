#!/usr/bin/python3
"""Golden vectors for flare_arch, from straightforward numpy models of the same definitions.

    /usr/bin/python3 tests/flare_arch/golden/make_golden.py

writes emsb, vdr, bitsift, attention, chain, wide, sdr and sparsity.safetensors beside itself.
Written from the formulas in the headers of flare_arch (emsb_quantizer.hpp, vdr_softmax.hpp, bitsift.hpp,
integer_attention.hpp, sdr.hpp), with Python's own division, floor and unbounded integers where the C++ has none.
"""
import json
import math
import pathlib
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent


def write_safetensors(path, tensors):
    names = {np.dtype("float32"): "F32", np.dtype("float64"): "F64", np.dtype("int64"): "I64",
             np.dtype("uint8"): "U8"}
    header, blobs, at = {"__metadata__": {"made_by": "tests/flare_arch/golden/make_golden.py"}}, [], 0
    for name, t in sorted(tensors.items()):
        t = np.ascontiguousarray(t)
        blob = t.tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# --- eMSB-Q ------------------------------------------------------------------------------------------------
def used_bits(values, signed=True):
    """Bits of the largest folded magnitude, by searching for the largest (the hardware ORs instead)."""
    magnitudes = [(-v - 1) if (v < 0 and signed) else v for v in map(int, np.ravel(values))]
    return max(magnitudes, default=0).bit_length()


def parse(value, shift, bits, signed=True, rounding=True):
    top = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    low = -top - 1 if signed else 0
    scaled = math.floor(value / 2**shift + (0.5 if rounding and shift else 0))
    return min(max(scaled, low), top)


def emsb(values, bits, signed=True, rounding=True):
    shift = max(0, used_bits(values, signed) - (bits - 1 if signed else bits))
    return np.array([parse(int(v), shift, bits, signed, rounding) for v in values], np.int64), shift


def emsb_cases():
    rng = np.random.default_rng(1)
    rows = [rng.integers(-(2 ** (b - 1)), 2 ** (b - 1), 24) for b in (2, 5, 8, 9, 12, 17, 20, 26, 31)]
    rows += [np.zeros(24, int), np.full(24, -1), np.full(24, 2**30), np.full(24, -(2**31)), np.full(24, 2**31 - 1),
             np.r_[np.zeros(23, int), 127], np.r_[np.zeros(23, int), 128], np.r_[np.zeros(23, int), -128],
             np.r_[np.zeros(23, int), -129], np.r_[np.full(23, 3), 255], np.arange(-12, 12) * 10**7]
    values = np.array(rows, np.int64)
    out = {"values": values, "values_unsigned": np.abs(values) % 2**31}
    for bits in (4, 8, 9, 12):
        for rounding in (0, 1):
            for signed in (0, 1):
                use = out["values" if signed else "values_unsigned"]
                pairs = [emsb(row, bits, bool(signed), bool(rounding)) for row in use]
                name = f"n{bits}_round{rounding}_signed{signed}"
                out[name] = np.array([p[0] for p in pairs], np.int64)
                out[name + "_shift"] = np.array([p[1] for p in pairs], np.int64)
    return out


# --- VDR-Softmax -------------------------------------------------------------------------------------------
A2, A1 = 0.35815147, 0.96963238


def vdr_entry(n, guard):
    if guard < 0:
        guard = 0
        while n * 2**guard * math.log(2) < 64:
            guard += 1
    n = n * 2**guard
    return dict(l=max(1, round(n * math.log(2))), b=round(n * A1 / A2), c=max(1, round(n * n / A2)), g=guard)


def vdr_softmax(x, entry, input_bits, output_bits, rounding):
    m, largest = 2 * input_bits, int(max(x))
    exps = []
    for v in map(int, x):
        below = (largest - v) << entry["g"]
        q, rest = divmod(below, entry["l"])
        r = -rest
        poly = max(0, r * (r + entry["b"]) + entry["c"])
        exps.append(0 if q >= m else poly << (m - q))
    shift = max(0, max(exps).bit_length() - output_bits)
    half = (1 << (shift - 1)) if rounding and shift else 0
    return np.array([min((e + half) >> shift, 2**output_bits - 1) for e in exps], np.int64)


def vdr_cases():
    rng = np.random.default_rng(2)
    out = {}
    rows = [rng.integers(-128, 128, 40), rng.normal(0, 30, 40).round().clip(-128, 127), np.full(40, -128),
            np.full(40, 127), np.r_[127, np.full(39, -128)], np.arange(-20, 20), np.r_[np.zeros(39), 1]]
    out["logits"] = np.array(rows, np.int64)
    scales = np.array([0.3, 1.0, 2.0, 5.7, 16.0, 93.1, 700.0, 9000.0])
    out["n"] = scales
    for guard in (-1, 0):
        for rounding in (0, 1):
            for output_bits in (8, 12):
                out[f"guard{guard}_round{rounding}_out{output_bits}"] = np.array(
                    [[vdr_softmax(row, vdr_entry(n, guard), 8, output_bits, bool(rounding)) for row in out["logits"]]
                     for n in scales], np.int64).reshape(len(scales) * len(rows), 40)
    return out


# --- BitSift -----------------------------------------------------------------------------------------------
def bitsift_reads(bits, sawl, length, packing, strict):
    """Lists of rows, one per read."""
    depth = len(bits)
    if packing == "fixed":
        return [[r for r in range(g, min(g + sawl, depth)) if bits[r]] for g in range(0, depth, sawl)]
    ones = [r for r in range(depth) if bits[r]]
    if packing == "ideal":
        return [ones[i:i + sawl] for i in range(0, len(ones), sawl)]
    reads, rests = [], []
    for start in range(0, depth, length):
        here = [r for r in range(start, min(start + length, depth)) if bits[r]]
        while len(here) >= sawl:
            reads.append(here[:sawl])
            here = here[sawl:]
        if here:
            rests.append(here)
    room = sawl - 1 if strict else sawl
    bins = []
    if packing == "best_fit":
        rests.sort(key=len, reverse=True)
    for rest in rests:
        if packing == "next_fit":
            fits = [b for b in bins[-1:] if len(b) + len(rest) <= room]
        else:
            fits = [b for b in bins if len(b) + len(rest) <= room]
        if packing == "best_fit":
            fits.sort(key=len, reverse=True)
        if fits:
            fits[0].extend(rest)
        else:
            bins.append(list(rest))
    return reads + bins


def bitsift_cases():
    rng = np.random.default_rng(3)
    planes = [(rng.random(200) < p).astype(int) for p in (0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8, 0.97)]
    planes += [np.zeros(200, int), np.ones(200, int), np.r_[np.ones(8, int), np.zeros(192, int)],
               np.r_[np.ones(4, int), np.zeros(12, int), np.ones(5, int), np.zeros(179, int)],
               np.r_[np.zeros(199, int), 1], np.tile([1, 0, 0, 0, 0, 0, 0, 0], 25)]
    out = {"planes": np.array(planes, np.int64)}
    for packing in ("fixed", "next_fit", "first_fit", "best_fit", "ideal"):
        for sawl in (2, 8, 16):
            for length in (8, 16, 64):
                for strict in (0, 1):
                    rows = []
                    for bits in planes:  # per row: number of its read, 255 where it is not driven
                        number = np.full(200, 255)
                        reads = bitsift_reads(bits, sawl, length, packing, bool(strict))
                        for i, read in enumerate(reads):
                            assert len(read) <= sawl
                            number[read] = i
                        assert len(reads) < 255 and np.array_equal(number < 255, bits == 1)
                        rows.append(np.r_[number, len(reads)])
                    out[f"{packing}_sawl{sawl}_slice{length}_strict{strict}"] = np.array(rows, np.uint8)
    return out


# --- the attention chain -----------------------------------------------------------------------------------
def rint(x):
    return np.rint(x).astype(np.int64)


def quantize_rows(values, bits, rounding):
    pairs = [emsb(row, bits, True, rounding == "round") for row in values]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def parse_all(values, shift, bits, rounding):
    return np.array([[parse(int(v), shift, bits, True, rounding == "round") for v in row] for row in values])


def half(sums):
    """Half of whole numbers, rounded up."""
    return np.array([math.ceil(int(v) / 2) for v in np.ravel(sums)], np.int64)


def reciprocal_16(total):
    """(mantissa, shift) of 1/total from a table of the middles of 16 intervals."""
    exponent = total.bit_length() - 1
    interval = int((total / 2**exponent - 1) * 16)
    return rint(2**15 / (1 + (interval + 0.5) / 16)), 15 + exponent


def attention_chain(x, weights, bias, heads, calibration, input_bits=16, bits=8, kv_bits=12, weight_bits=8,
                    rounding="round", absolute=False, reciprocal=False):
    """Returns every stage of one sequence; x and weights are float32. With rounding half_lsb a code q that was
    shifted counts as q + 1/2: what that adds to a product is computed from the codes and the halves apart."""
    tokens, width = x.shape
    dk = width // heads
    top = 2 ** (input_bits - 1) - 1
    s_x = max(float(np.abs(c).max()) for c in calibration) / top
    scale, w = {}, {}
    for name, value in weights.items():
        scale[name] = float(np.abs(value).max()) / (2 ** (weight_bits - 1) - 1)
        w[name] = rint(value.astype(np.float64) / scale[name])

    def words(v):
        return rint(np.clip(v.astype(np.float64) / s_x, -top - 1, top))

    def product(codes, shifts, matrix):
        """codes (rows) times a matrix, the halves of shifted rows included."""
        sums = codes @ matrix
        if rounding == "half_lsb":
            sums = sums + np.outer(np.broadcast_to(shifts, len(codes)) > 0, half(matrix.sum(0)))
        return sums

    key_input_shift = max(0, input_bits - kv_bits)
    shift, sums_of = {}, {}
    for name in ("key", "value"):
        def project(v):
            return product(parse_all(words(v), key_input_shift, kv_bits, rounding), key_input_shift, w[name])
        most = max(used_bits(project(c)) for c in calibration)
        if absolute:
            most = kv_bits + weight_bits + math.ceil(math.log2(width)) - 1
        shift[name] = max(0, most - (kv_bits - 1))
        sums_of[name] = project(x)
    out = {"key_shift": shift["key"], "value_shift": shift["value"]}
    m1, m2 = input_bits - bits, weight_bits + math.ceil(math.log2(width))
    m3 = kv_bits + math.ceil(math.log2(dk))
    s_k, s_v = (s_x * 2.0**key_input_shift * scale[name] * 2.0 ** shift[name] for name in ("key", "value"))

    a, s1 = quantize_rows(words(x), bits, rounding)
    key = parse_all(sums_of["key"], shift["key"], kv_bits, rounding)
    value = parse_all(sums_of["value"], shift["value"], kv_bits, rounding)
    query = product(a, s1, w["query"])
    out.update(activations=a, key=key, value=value, query=query, input_headroom=m1 - s1)
    result = np.zeros((tokens, width)) + bias.astype(np.float64)
    head_outputs = np.zeros((tokens, width))  # before the output projection, in real units
    joined = np.zeros((tokens, width), np.int64)
    for h in range(heads):
        at = slice(h * dk, (h + 1) * dk)
        q, s2 = quantize_rows(query[:, at], bits, rounding)
        logits, s3 = quantize_rows(product(q, s2, key[:, at].T), bits, rounding)
        p = np.zeros((tokens, tokens), np.int64)
        exponents = np.zeros(tokens, np.int64)
        for t in range(tokens):
            # The real value of one LSB of these logits, straight from the shifts made.
            lsb = s_x * 2.0 ** s1[t] * scale["query"] * 2.0 ** s2[t] * s_k * 2.0 ** s3[t] / math.sqrt(dk)
            exponents[t] = m1 - s1[t] + m2 - s2[t] + m3 - s3[t]
            p[t] = vdr_softmax(logits[t], vdr_entry(1 / lsb, -1), bits, 8, rounding != "truncate")
        sums = p.sum(1)
        weighted = p @ value[:, at]
        if rounding == "half_lsb" and shift["value"] > 0:
            weighted = weighted + half(sums)[:, None]
        head_outputs[:, at] = weighted * s_v / sums[:, None]
        out.update({f"logits{h}": logits, f"probabilities{h}": p, f"exponents{h}": exponents, f"sums{h}": sums,
                    f"query_headroom{h}": m2 - s2, f"logit_headroom{h}": m3 - s3})
        if reciprocal:
            for t in range(tokens):
                mantissa, down = reciprocal_16(int(sums[t]))
                joined[t, at] = [math.floor(int(v) * int(mantissa) / 2 ** (down - 12) + 0.5) for v in weighted[t]]
            continue
        weighted, s4 = quantize_rows(weighted, bits, rounding)
        words_out = product(weighted, s4, w["output"][at])
        result += words_out * (s_v * scale["output"] * 2.0**s4 / sums)[:, None]
        out[f"weighted{h}"] = weighted
    if reciprocal:
        weighted, s4 = quantize_rows(joined, bits, rounding)
        result += product(weighted, s4, w["output"]) * (s_v * scale["output"] * 2.0 ** (s4 - 12))[:, None]
        out["weighted0"] = weighted
    out["head_outputs"] = head_outputs
    out["result"] = result
    return out


def float_heads(x, weights, heads):
    """Outputs of the heads side by side, before the output projection."""
    x = x.astype(np.float64)
    q, k, v = (weights[n].astype(np.float64) for n in ("query", "key", "value"))
    dk = x.shape[1] // heads
    parts = []
    for h in range(heads):
        at = slice(h * dk, (h + 1) * dk)
        z = (x @ q[:, at]) @ (x @ k[:, at]).T / math.sqrt(dk)
        e = np.exp(z - z.max(1, keepdims=True))
        parts.append(e / e.sum(1, keepdims=True) @ (x @ v[:, at]))
    return np.concatenate(parts, 1)


def float_attention(x, weights, bias, heads):
    return float_heads(x, weights, heads) @ weights["output"].astype(np.float64) + bias


def attention_cases():
    rng = np.random.default_rng(4)
    tokens, width, heads = 24, 48, 3
    x = (rng.normal(0, 1, (3, tokens, width)) * np.exp(rng.normal(0, 0.5, (3, tokens, 1)))).astype(np.float32)
    weights = {n: rng.normal(0, g / math.sqrt(width), (width, width)).astype(np.float32)
               for n, g in (("query", 1.4), ("key", 1.4), ("value", 1), ("output", 1))}
    bias = rng.normal(0, 0.1, width).astype(np.float32)
    out = {"x": x.reshape(3 * tokens, width), "bias": bias, "heads": np.array([heads], np.int64)}
    out.update({"weight_" + n: v for n, v in weights.items()})
    chain = attention_chain(x[0], weights, bias, heads, list(x))
    exact = float_attention(x[0], weights, bias, heads)
    error = np.linalg.norm(chain["result"] - exact) / np.linalg.norm(exact - bias)
    print(f"attention chain: relative error against floating point {error:.4f}")
    out["float_result"] = exact
    del chain["head_outputs"]
    for name, v in chain.items():
        out["chain_" + name] = np.atleast_1d(np.asarray(v)).astype(np.float64 if name == "result" else np.int64)
    for variant, options in variants.items():  # row by row as hashes
        chain = attention_chain(x[0], weights, bias, heads, list(x), **options)
        out[f"{variant}_result"] = chain["result"]
        out.update({f"{variant}_{name}": hashes(v) for name, v in chain.items()
                    if name not in ("result", "head_outputs")})
    return out


variants = {"bits9": dict(bits=9), "kv8": dict(kv_bits=8), "kv16": dict(kv_bits=16),
            "absolute16": dict(kv_bits=16, absolute=True), "truncate": dict(rounding="truncate"),
            "half_lsb": dict(rounding="half_lsb"), "reciprocal": dict(reciprocal=True),
            "half_lsb_reciprocal": dict(rounding="half_lsb", reciprocal=True)}


def hashes(values):
    """FNV-1a of the eight bytes of every whole number, a hash per row."""
    out = []
    for row in np.atleast_2d(np.asarray(values, np.int64)):
        h = 0xCBF29CE484222325
        for byte in row.astype("<i8").tobytes():
            h = ((h ^ byte) * 0x100000001B3) % 2**64
        out.append(h)
    return np.array(out, np.uint64).view(np.int64)


# --- the chain at the size of a head of 64 -----------------------------------------------------------------
def uniform_words(seed):
    """Python's and C++'s 32-bit Mersenne twister alike, so that inputs need not be stored."""
    generator = np.random.RandomState(seed)
    while True:
        yield from generator.randint(0, 2**32, 4096, dtype=np.uint32).astype(np.int64)


def near_normal(words, count):
    """Sums of twelve uniform numbers less six: exact in double precision."""
    return np.array([sum(int(next(words)) for _ in range(12)) - 6 * 2**32 for _ in range(count)]) * 2.0**-32


def chain_inputs(seed, gain, tokens=96, width=256, offset=0.0):
    words = uniform_words(seed)
    x = near_normal(words, tokens * width).reshape(tokens, width)
    scale = np.array([2.0 ** (int(next(words)) % 3 - 1) * (1 + int(next(words)) * 2.0**-32) for _ in range(tokens)])
    weights = {name: (near_normal(words, width * width).reshape(width, width) * (g / 16)).astype(np.float32)
               for name, g in (("query", gain), ("key", gain), ("value", 1), ("output", 1))}
    return (x * scale[:, None] + offset).astype(np.float32), weights


def chain_cases():
    """One sequence calibrates itself, as in a study of the arithmetic alone."""
    out = {}
    for seed, gain in ((1, 1), (2, 2)):
        x, weights = chain_inputs(seed, gain)
        chain = attention_chain(x, weights, np.zeros(256, np.float32), 4, [x])
        heads = float_heads(x, weights, 4)
        error = np.linalg.norm(chain["head_outputs"] - heads) / np.linalg.norm(heads)
        print(f"chain of heads of 64, gain {gain}: relative error {error:.4f}")
        out[f"gain{gain}_error"] = np.array([error])
        out[f"gain{gain}_float_heads"] = heads[:, :64].astype(np.float32)
        out.update({f"gain{gain}_{name}": hashes(v) for name, v in chain.items()
                    if name not in ("result", "head_outputs")})
    return out


def wide_cases():
    """Sums of 2048 products of 8 and 16 bits: inputs far from zero and a flat softmax take them beyond 32 bits."""
    x, weights = chain_inputs(3, 0.25, tokens=2048, width=64, offset=8.0)
    chain = attention_chain(x, weights, np.zeros(64, np.float32), 1, [x], kv_bits=16)
    sums = np.abs(chain["probabilities0"] @ chain["value"])
    print(f"wide sums: up to {sums.max() / 2.0**31:.2f} times 2^31")
    assert sums.max() > 2**31
    return {f"wide_{name}": hashes(v) for name, v in chain.items() if name not in ("result", "head_outputs")}


# --- significant data razoring -----------------------------------------------------------------------------
def razor(row, group):
    """Codes and flags of one row, by Python's own round-half-even on exact fractions."""
    codes, flags = [], []
    for start in range(0, len(row), group):
        part = [int(v) for v in row[start:start + group]]
        t = max(0, max(abs(v) for v in part).bit_length() - 3)
        flags.append(t)
        for v in part:
            m = round(abs(v) / 2**t)
            codes.append(-m if v < 0 else min(m, 7))
    return codes, flags


def sdr_cases():
    rng = np.random.default_rng(5)
    out = {}
    for base in (8, 16):
        top = 2 ** (base - 1) - 1
        rows = [rng.integers(-top, top + 1, 50), rng.normal(0, top / 20, 50).round().clip(-top, top), np.zeros(50),
                np.full(50, top), np.full(50, -top), np.arange(-25, 25), np.r_[np.zeros(49), 1]]
        values = np.array(rows, np.int64)
        out[f"values{base}"] = values
        for group in (8, 16, 32):
            pairs = [razor(row, group) for row in values]
            out[f"codes{base}_g{group}"] = np.array([p[0] for p in pairs], np.int64)
            out[f"flags{base}_g{group}"] = np.array([p[1] for p in pairs], np.int64)
    return out


# --- sparsity and boost ------------------------------------------------------------------------------------
def planes_of(values, bits, encoding, sign_bit):
    """0/1 array, rows x planes x columns, lowest plane first. sign_bit: sign-magnitude as sign and magnitude;
    else as a positive and a negative pass."""
    if encoding != "sign_magnitude":
        return np.stack([(values >> p) & 1 for p in range(bits)], 1)
    top = 2 ** (bits - 1) - 1
    if sign_bit:
        magnitude = np.minimum(np.abs(values), top)
        return np.stack([(magnitude >> p) & 1 for p in range(bits - 1)] + [(values < 0).astype(np.int64)], 1)
    return np.concatenate([np.stack([(np.maximum(values, 0) >> p) & 1 for p in range(bits - 1)], 1),
                           np.stack([(np.maximum(-values, 0) >> p) & 1 for p in range(bits)], 1)], 1)


def zeros_of(values, bits, encoding, group):
    """Rows (zeros, all) for bits, values, groups of values, column slices."""
    planes = planes_of(values, bits, encoding, True)
    cut = [slice(c, c + group) for c in range(0, values.shape[1], group)]
    any_bit = np.stack([planes[:, :, c].any(2) for c in cut], 2)
    any_value = np.stack([(values[:, c] != 0).any(1) for c in cut], 1)
    return np.array([[(planes == 0).sum(), planes.size], [(values == 0).sum(), values.size],
                     [(~any_value).sum(), any_value.size], [(~any_bit).sum(), any_bit.size]], np.int64)


def cycles_of(values, bits, encoding, sawl, length, packing):
    planes = planes_of(values, bits, encoding, False).reshape(-1, values.shape[1])
    return sum(len(bitsift_reads(plane, sawl, length, packing, False)) for plane in planes)


def sparsity_cases():
    rng = np.random.default_rng(6)
    signed = np.clip(rng.laplace(0, 14, (12, 100)).round(), -128, 127).astype(np.int64)
    signed[3, 8:40] = 0
    unsigned = np.clip(rng.exponential(9, (12, 100)), 0, 255).astype(np.int64)
    out = {"signed_values": signed, "unsigned_values": unsigned}
    for name, values, encoding in (("signed_twos_complement", signed, "twos_complement"),
                                   ("signed_sign_magnitude", signed, "sign_magnitude"),
                                   ("unsigned", unsigned, "unsigned")):
        out[name + "_zeros"] = zeros_of(values, 8, encoding, 8)
        fixed = math.ceil(values.shape[1] / 8) * len(values) * 8
        cycles = [fixed, cycles_of(values, 8, encoding, 8, 16, "ideal")]
        cycles += [cycles_of(values, 8, encoding, 8, length, packing)
                   for packing in ("next_fit", "first_fit") for length in (8, 16, 32, 64)]
        out[name + "_cycles"] = np.array(cycles, np.int64)
    return out


if __name__ == "__main__":
    for name, cases in (("emsb", emsb_cases), ("vdr", vdr_cases), ("bitsift", bitsift_cases),
                        ("attention", attention_cases), ("chain", chain_cases), ("wide", wide_cases),
                        ("sdr", sdr_cases), ("sparsity", sparsity_cases)):
        write_safetensors(HERE / f"{name}.safetensors", cases())
