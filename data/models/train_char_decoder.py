#!/usr/bin/python3
"""Trains the small character decoders shipped in data/models/char_decoder, in the names of GPT-2:

    softmax      causal attention with softmax, 1,200 steps
    linear       the same weights on linear gain cells, 600 steps more
    cell         linear's weights on the cell of the paper, 400 steps more

Needs Debian's python3-torch AND libopenblas0-pthread (the reference BLAS is ten times slower):

    /usr/bin/python3 data/models/train_char_decoder.py                 the shipped models (about 9 minutes of a core)
    ... --score                                               the losses of the shipped models again (2 minutes)
    ... --seed 8 --out /tmp/seed8                                      one more seed (about 9 minutes of a core)
    ... --score --others /tmp/seed8 /tmp/seed9                         and how far apart the seeds are
    ... --seed 3 --out /tmp/seed3 --start data/models/char_decoder/softmax --steps 0,200,0    its linear stage alone

Attention on gain cells: Leroux et al., Nat. Comput. Sci. 5, 813 (2025); see flare_arch/README.md. Rounding is passed
straight through by the gradient, as in the authors' training. Text: data/text (public domain).
"""
import argparse
import json
import math
import pathlib
import platform
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
TEXT = HERE.parent / "text"
WIDTH, HEADS, LAYERS, TOKENS, BATCH, TILE = 128, 2, 2, 128, 16, 64
LAW = (0.52136361, 13.61226063, -2.62044562, 46.05483778)  # uA / V^i: the cell of the paper
SLOPE = 19.3                                               # uA / V: of the linear cell
DECAY = 1.6e-4                                             # of a stored voltage's distance from 0.45 V, per token
SCALERS = ("query", "key", "value", "output")


def characters():
    text = (TEXT / "shakespeare_train.txt").read_text() + (TEXT / "shakespeare_validation.txt").read_text()
    return sorted(set(text))


def encoded(name, ids):
    return torch.tensor([ids[c] for c in (TEXT / f"shakespeare_{name}.txt").read_text()])


def initial_weights(vocabulary, generator):
    def normal(*shape, std=0.02):
        return torch.randn(*shape, generator=generator) * std

    p = {"wte.weight": normal(vocabulary, WIDTH), "wpe.weight": normal(TOKENS, WIDTH)}
    for i in range(LAYERS):
        h = f"h.{i}."
        shapes = {"attn.c_attn": (WIDTH, 3 * WIDTH), "attn.c_proj": (WIDTH, WIDTH), "mlp.c_fc": (WIDTH, 4 * WIDTH),
                  "mlp.c_proj": (4 * WIDTH, WIDTH)}
        for name, shape in shapes.items():
            std = 0.02 / math.sqrt(2 * LAYERS) if name.endswith("c_proj") else 0.02
            p[h + name + ".weight"], p[h + name + ".bias"] = normal(*shape, std=std), torch.zeros(shape[1])
        for name in ("ln_1", "ln_2"):
            p[h + name + ".weight"], p[h + name + ".bias"] = torch.ones(WIDTH), torch.zeros(WIDTH)
    p["ln_f.weight"], p["ln_f.bias"] = torch.ones(WIDTH), torch.zeros(WIDTH)
    return p


def rounded(x, step):
    """To multiples of `step`; the gradient passes."""
    return x + (torch.round(x / step) * step - x).detach()


def softmax_heads(q, k, v, tap):
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    mask = torch.ones(q.shape[2], q.shape[2]).tril() == 0
    out = scores.masked_fill(mask, -math.inf).softmax(-1) @ v
    tap("output", out)
    return out


def cell_heads(law, decay=DECAY):
    """Attention on gain cells with the cubic `law` (uA / V^i). Scalers a, b: one pair a head, [heads, 2]."""
    powers = [i for i, g in enumerate(law) if g != 0]

    def heads(q, k, v, tap, scalers):
        def scaled(name, x):
            ab = scalers[name]
            y = x * ab[:, 0].view(1, -1, 1, 1) + ab[:, 1].view(1, -1, 1, 1)
            tap(name, y)
            return y

        n = q.shape[2]
        q = rounded(scaled("query", q).clamp(0, 1), 1 / 15)
        k, v = (rounded(scaled(name, x).clamp(0, 0.9), 0.9 / 7) - 0.45 for name, x in (("key", k), ("value", v)))
        age = (torch.arange(n)[:, None] - torch.arange(n)[None]).clamp(min=0)
        kept = torch.exp(-decay * age)
        s = sum(law[i] * kept**i * (q @ (k**i).transpose(2, 3)) for i in powers)
        pulse = (s / 80).clamp(0, 1) * torch.ones(n, n).tril()
        total = 0
        for at in range(0, n, TILE):
            j = slice(at, at + TILE)
            a = sum(law[i] * ((pulse[..., j] * kept[:, j]**i) @ v[:, :, j]**i) for i in powers) / 40
            total = total + rounded(a.clamp(-1, 1), 1 / 15)
        return scaled("output", total)

    return heads


def linear_heads(decay=DECAY):
    return cell_heads((0, SLOPE, 0, 0), decay)


def forward(p, ids, heads, tap=lambda layer, name, values: None):
    """Logits, batch x tokens x vocabulary. `tap` sees every scaled q, k, v and head output."""
    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"], 1e-5)

    b, n = ids.shape
    x = p["wte.weight"][ids] + p["wpe.weight"][:n]
    for i in range(LAYERS):
        h = f"h.{i}."
        qkv = norm(x, h + "ln_1") @ p[h + "attn.c_attn.weight"] + p[h + "attn.c_attn.bias"]
        q, k, v = (t.view(b, n, HEADS, -1).transpose(1, 2) for t in qkv.split(WIDTH, 2))
        see = lambda name, values, i=i: tap(i, name, values)
        if heads is softmax_heads:
            for name, t in (("query", q), ("key", k), ("value", v)):
                see(name, t)
            out = heads(q, k, v, see)
        else:
            out = heads(q, k, v, see, {s: p[f"{h}attn.{s}_scaler"] for s in SCALERS})
        x = x + out.transpose(1, 2).reshape(b, n, WIDTH) @ p[h + "attn.c_proj.weight"] + p[h + "attn.c_proj.bias"]
        y = F.gelu(norm(x, h + "ln_2") @ p[h + "mlp.c_fc.weight"] + p[h + "mlp.c_fc.bias"], approximate="tanh")
        x = x + y @ p[h + "mlp.c_proj.weight"] + p[h + "mlp.c_proj.bias"]
    return norm(x, "ln_f") @ p["wte.weight"].T


def windows(ids):
    """All whole windows of TOKENS + 1 characters, one after the other: inputs and what follows them."""
    n = (len(ids) - 1) // TOKENS
    return ids[:n * TOKENS].view(n, TOKENS), ids[1:n * TOKENS + 1].view(n, TOKENS)


def validation_loss(p, ids, heads):
    """In double precision: the rounding of single precision decides ties of codes and moves a loss by 1e-5."""
    x, y = windows(ids)
    p = {k: v.double() for k, v in p.items()}
    torch.set_default_dtype(torch.float64)
    with torch.no_grad():
        sums = [F.cross_entropy(forward(p, a, heads).flatten(0, 1), b.flatten(), reduction="sum").item()
                for a, b in zip(x.split(BATCH), y.split(BATCH))]
    torch.set_default_dtype(torch.float32)
    return sum(sums) / y.numel()


def random_batch(ids, generator):
    at = torch.randint(0, len(ids) - TOKENS, (BATCH,), generator=generator)[:, None] + torch.arange(TOKENS)
    return ids[at], ids[at + 1]


def train(p, ids, heads, steps, rate, generator, name):
    p = {k: v.clone().requires_grad_() for k, v in p.items()}
    decayed = [v for k, v in p.items() if v.ndim > 1 and not k.endswith("_scaler")]
    rest = [v for k, v in p.items() if v.ndim <= 1 or k.endswith("_scaler")]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                                  lr=rate, betas=(0.9, 0.95))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 100)
        x, y = random_batch(ids, generator)
        loss = F.cross_entropy(forward(p, x, heads).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        optimizer.step()
        if step % 100 == 99:
            print(f"{name}, step {step + 1}: loss {loss.item():.3f}", flush=True)
    return {k: v.detach() for k, v in p.items()}


def statistics(p, x, heads):
    """{(layer, name): (means, deviations)} of every head's scaled values."""
    seen = {}

    def tap(layer, name, values):
        flat = values.transpose(0, 1).flatten(1).double()
        seen[layer, name] = flat.mean(1), flat.std(1, unbiased=False)

    with torch.no_grad():
        forward(p, x, heads, tap)
    return seen


def mapped_to_cells(p, x):
    """Scalers that lay queries, keys and values of a softmax model over the range of a cell, and give its head
    outputs their former mean and deviation."""
    p = dict(p)
    seen = statistics(p, x, softmax_heads)
    ranges = {"query": (0.5, 0.25), "key": (0.45, 0.2), "value": (0.45, 0.2)}
    for layer in range(LAYERS):
        for name, (mean, deviation) in ranges.items():
            m, s = seen[layer, name]
            a = deviation / s
            p[f"h.{layer}.attn.{name}_scaler"] = torch.stack([a, mean - a * m], 1).float()
        p[f"h.{layer}.attn.output_scaler"] = torch.tensor([[1.0, 0.0]] * HEADS)
    for layer in range(LAYERS):
        m, s = seen[layer, "output"]
        cell_m, cell_s = statistics(p, x, linear_heads())[layer, "output"]
        a = s / cell_s
        p[f"h.{layer}.attn.output_scaler"] = torch.stack([a, m - a * cell_m], 1).float()
    return p


def adapted(p, x, heads, targets, passes=100, tolerance=1e-4):
    """The authors' adaptation of a and b to the linear model's statistics: forward passes only."""
    p = dict(p)
    for done in range(passes):
        seen, worst = statistics(p, x, heads), 0.0
        damping = max(0.1, 1.0 - 0.9 * done / 50)
        for (layer, name), (mean, deviation) in seen.items():
            to_mean, to_deviation = targets[layer, name]
            key = f"h.{layer}.attn.{name}_scaler"
            a, b = p[key].double().unbind(1)
            off_mean, off_deviation = (to_mean - mean), (to_deviation - deviation)
            move_a = (off_deviation.abs() > tolerance) & (deviation > 0)  # nothing scales what is all the same
            move_b = off_mean.abs() > tolerance
            worst = max(worst, off_mean.abs().max().item(), off_deviation.abs().max().item())
            a = torch.where(move_a, a + damping * a * off_deviation / deviation.clamp(min=1e-30), a)
            b = torch.where(move_b, b + damping * off_mean, b)
            p[key] = torch.stack([a, b], 1).float()
        if worst <= tolerance:
            return p, done
    return p, passes


def write_safetensors(path, tensors, metadata):
    names = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64", torch.float64: "F64"}
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, t in sorted(tensors.items()):
        blob = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_model(folder):
    """Weights, and scalers if any, of a folder that this script wrote."""
    p = {}
    for file in (folder / "model.safetensors", folder / "gain_cell.safetensors"):
        blob = file.read_bytes() if file.exists() else b""
        size = struct.unpack("<Q", blob[:8])[0] if blob else 0
        for name, t in (json.loads(blob[8:8 + size]) if blob else {}).items():
            if name != "__metadata__":
                begin, end = (8 + size + at for at in t["data_offsets"])
                kind = np.float16 if t["dtype"] == "F16" else np.float32
                p[name] = torch.from_numpy(np.frombuffer(blob[begin:end], kind).astype(np.float32)).view(t["shape"])
    return p


def halved(p):
    """Weights as they are shipped: 16-bit floats. Scalers stay as they are."""
    return {k: v if k.endswith("_scaler") else v.half().float() for k, v in p.items()}


def write_model(folder, p, vocabulary, document):
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "gpt2", "n_embd": WIDTH, "n_head": HEADS, "n_layer": LAYERS, "n_positions": TOKENS,
              "vocab_size": len(vocabulary), "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
              "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(vocabulary)}) + "\n")
    (folder / "training.json").write_text(json.dumps(document, indent=2) + "\n")
    weights = {k: v.half() for k, v in p.items() if not k.endswith("_scaler")}
    write_safetensors(folder / "model.safetensors", weights, {"license": "Apache-2.0", "format": "pt"})
    scalers = {k: v for k, v in p.items() if k.endswith("_scaler")}
    if scalers:
        write_safetensors(folder / "gain_cell.safetensors", scalers, {"license": "Apache-2.0"})


def spread(all_losses):
    """{stage: mean and standard deviation (n - 1)} of what several seeds say of each."""
    values = {name: [losses[name] for losses in all_losses.values()] for name in next(iter(all_losses.values()))}
    return {name: {"mean": float(np.mean(v)), "sigma": float(np.std(v, ddof=1))} for name, v in values.items()}


def tell_losses(out, losses, others):
    """Into every model's training.json: its losses in double precision, those of other seeds, their spread."""
    for file in sorted(out.glob("*/training.json")):
        document = json.loads(file.read_text())
        stages = list(document["validation_loss"])
        document["validation_loss"] = {name: losses[name] for name in stages}
        if others:
            seeds = {str(document["training"]["seed"]): losses} | others
            document["seeds"] = {seed: {name: of_seed[name] for name in stages} for seed, of_seed in seeds.items()}
            document["over_seeds"] = spread(document["seeds"])
        file.write_text(json.dumps(document, indent=2) + "\n")


def losses_of_others(folders):
    """{seed: losses} of folders that this script wrote."""
    return {str(json.loads((f / "cell/training.json").read_text())["training"]["seed"]):
            json.loads((f / "losses.json").read_text()) for f in folders}


def golden(p, ids, heads_by_name):
    """Characters and the logits PyTorch computes for them, for the test of the C++ forward pass."""
    x = windows(ids)[0][:2]
    with torch.no_grad():
        logits = {f"logits_{n}": forward(q, x, heads).flatten(0, 1) for n, (q, heads) in heads_by_name.items()}
    return {"input_ids": x, **logits}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--out", type=pathlib.Path, default=HERE / "char_decoder")
    arguments.add_argument("--keep", default="softmax,linear,cell", help="models to write")
    arguments.add_argument("--no-tuning", action="store_true", help="stop before the cell is fine-tuned")
    arguments.add_argument("--steps", default="1200,600,400", help="of softmax, linear, cell")
    arguments.add_argument("--score", action="store_true", help="train nothing: the losses of the models in --out again")
    arguments.add_argument("--others", type=pathlib.Path, nargs="+", default=[],
                           help="with --score: folders of other seeds, whose losses training.json is to hold, too")
    arguments.add_argument("--start", type=pathlib.Path, help="softmax model to begin with; only linear is made")
    options = arguments.parse_args()
    torch.set_num_threads(1)  # the same sums in the same order on every machine with this PyTorch
    steps = [int(s) for s in options.steps.split(",")]
    vocabulary = characters()
    ids = {c: i for i, c in enumerate(vocabulary)}
    text, held_out = encoded("train", ids), encoded("validation", ids)
    generator = torch.Generator().manual_seed(options.seed)
    fixed = random_batch(text, torch.Generator().manual_seed(options.seed + 1000))[0]
    losses, kept = {}, options.keep.split(",")
    options.out.mkdir(parents=True, exist_ok=True)

    def record(name, p, heads):
        losses[name] = validation_loss(p, held_out, heads)
        print(f"{name}: validation loss {losses[name]:.5f}", flush=True)

    def keep(name, p):
        if name not in kept or options.score:
            return
        document = {"name": f"char_decoder/{name}",
                    "training": {"script": "data/models/train_char_decoder.py", "text": "data/text", "seed": options.seed,
                                 "steps": steps, "torch": torch.__version__, "python": platform.python_version()},
                    "validation_loss": dict(losses)}
        write_model(options.out / name, p, vocabulary, document)

    if options.start:
        linear = mapped_to_cells(read_model(options.start), fixed)
        keep("linear", halved(train(linear, text, linear_heads(), steps[1], 6e-4, generator, "linear")))
        return
    def made(name, start, heads, count, rate):
        """Trained, or where only losses are asked for as it stands in the folder."""
        if options.score:
            return read_model(options.out / name)
        return halved(train(start, text, heads, count, rate, generator, name))

    softmax = made("softmax", initial_weights(len(vocabulary), generator), softmax_heads, steps[0], 1e-3)
    record("softmax", softmax, softmax_heads)
    keep("softmax", softmax)
    linear = mapped_to_cells(softmax, fixed)
    record("linear, mapped", linear, linear_heads())
    linear = made("linear", linear, linear_heads(), steps[1], 6e-4)
    record("linear", linear, linear_heads())
    record("cell, as linear", linear, cell_heads(LAW))
    targets = statistics(linear, fixed, linear_heads())
    cell, passes = adapted(linear, fixed, cell_heads(LAW), targets)
    record("cell, adapted", cell, cell_heads(LAW))
    losses["adaptation passes"] = passes
    reset = dict(linear)
    for key in reset:
        if key.endswith("_scaler"):
            reset[key] = torch.tensor([[1.0, 0.0]] * HEADS)
    record("cell, scalers reset", reset, cell_heads(LAW))
    record("cell, reset and adapted", adapted(reset, fixed, cell_heads(LAW), targets)[0], cell_heads(LAW))
    keep("linear", linear)
    if not options.no_tuning:
        tuned = made("cell", cell, cell_heads(LAW), steps[2], 6e-4)
        record("cell, tuned", tuned, cell_heads(LAW))
        keep("cell", tuned)
    if not options.no_tuning and not options.score:
        tensors = golden(softmax, held_out, {"softmax": (softmax, softmax_heads), "linear": (linear, linear_heads()),
                                             "cell_as_linear": (linear, cell_heads(LAW)),
                                             "cell": (tuned, cell_heads(LAW))})
        write_safetensors(options.out / "golden.safetensors", tensors, {"made_by": "data/models/train_char_decoder.py"})
    (options.out / "losses.json").write_text(json.dumps(losses, indent=2) + "\n")
    tell_losses(options.out, losses, losses_of_others(options.others))


if __name__ == "__main__":
    main()
