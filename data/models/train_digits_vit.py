#!/usr/bin/python3
"""Trains the small vision transformer shipped in data/models/digits_vit and writes

    digits_vit/model.safetensors   float32 weights (names below)
    digits_vit/model.json          shape of the model, how it was trained, what it scores
    digits_vit/golden.safetensors  test images with the logits PyTorch computes for them

Needs Debian's python3-torch and python3-numpy only:   /usr/bin/python3 data/models/train_digits_vit.py

The model: 8x8 pixels in 2x2 patches -> 16 patch tokens and a class token, width 64, 4 pre-norm encoder
layers of 4 heads, classification from the class token. The class token sees the image only through
attention. Query, key and value projections have no bias, as integer arrays want it.
Linear weights are stored as (inputs, outputs): y = x W + b.
"""
import json
import math
import pathlib
import platform
import struct

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
SEED = 7
EPOCHS = 120
BATCH = 64
CONFIG = dict(image_size=8, patch_size=2, width=64, layers=4, heads=4, mlp_width=128, classes=10,
              layer_norm_epsilon=1e-6, pixel_scale=1.0 / 16.0)


def load_split():
    rows = [line.strip().split(",") for line in (HERE.parent / "digits" / "digits.csv").open()][1:]
    test = np.array([r[0] == "test" for r in rows])
    labels = torch.tensor([int(r[1]) for r in rows])
    images = torch.tensor([[float(p) for p in r[2:]] for r in rows]).view(-1, 8, 8) * CONFIG["pixel_scale"]
    test = torch.from_numpy(test)
    return images[~test], labels[~test], images[test], labels[test]


def patches(images):
    """(batch, 8, 8) -> (batch, 16, 4): patches row by row, pixels row by row within a patch."""
    p = CONFIG["patch_size"]
    b, s, _ = images.shape
    return images.view(b, s // p, p, s // p, p).permute(0, 1, 3, 2, 4).reshape(b, -1, p * p)


def initial_parameters(generator):
    d, m = CONFIG["width"], CONFIG["mlp_width"]

    def normal(*shape, std):
        return torch.randn(*shape, generator=generator) * std

    tokens = (CONFIG["image_size"] // CONFIG["patch_size"]) ** 2 + 1
    p = {"patch_embedding.weight": normal(CONFIG["patch_size"] ** 2, d, std=0.5),
         "patch_embedding.bias": torch.zeros(d),
         "class_token": normal(d, std=0.02), "position_embedding": normal(tokens, d, std=0.2)}
    for i in range(CONFIG["layers"]):
        name = f"layers.{i}."
        for norm in ("norm1", "norm2"):
            p[name + norm + ".weight"] = torch.ones(d)
            p[name + norm + ".bias"] = torch.zeros(d)
        for proj in ("query", "key", "value", "output"):
            p[name + f"attention.{proj}.weight"] = normal(d, d, std=1 / math.sqrt(d))
        p[name + "attention.output.bias"] = torch.zeros(d)
        p[name + "mlp.up.weight"] = normal(d, m, std=1 / math.sqrt(d))
        p[name + "mlp.up.bias"] = torch.zeros(m)
        p[name + "mlp.down.weight"] = normal(m, d, std=1 / math.sqrt(m))
        p[name + "mlp.down.bias"] = torch.zeros(d)
    p["norm.weight"], p["norm.bias"] = torch.ones(d), torch.zeros(d)
    p["head.weight"], p["head.bias"] = normal(d, CONFIG["classes"], std=0.02), torch.zeros(CONFIG["classes"])
    return {k: v.requires_grad_() for k, v in p.items()}


def attention(p, name, x, mode):
    """mode: "full"; "uniform", every token weighs all tokens alike; "removed", no attention output at all."""
    b, n, d = x.shape
    h = CONFIG["heads"]
    if mode == "removed":
        return torch.zeros_like(x)
    q, k, v = ((x @ p[name + f"attention.{s}.weight"]).view(b, n, h, d // h).transpose(1, 2)
               for s in ("query", "key", "value"))
    scores = q @ k.transpose(2, 3) / math.sqrt(d // h)
    if mode == "uniform":
        scores = torch.zeros_like(scores)
    o = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d)
    return o @ p[name + "attention.output.weight"] + p[name + "attention.output.bias"]


def forward(p, images, mode="full", dropout=0.0):
    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"], CONFIG["layer_norm_epsilon"])

    def drop(x):
        return F.dropout(x, dropout, dropout > 0)

    x = patches(images) @ p["patch_embedding.weight"] + p["patch_embedding.bias"]
    x = torch.cat([p["class_token"].expand(len(x), 1, -1), x], 1) + p["position_embedding"]
    for i in range(CONFIG["layers"]):
        name = f"layers.{i}."
        x = x + drop(attention(p, name, norm(x, name + "norm1"), mode))
        y = F.gelu(norm(x, name + "norm2") @ p[name + "mlp.up.weight"] + p[name + "mlp.up.bias"])
        x = x + drop(y @ p[name + "mlp.down.weight"] + p[name + "mlp.down.bias"])
    return norm(x[:, 0], "norm") @ p["head.weight"] + p["head.bias"]


def augment(images, generator):
    """Moves every image by up to one pixel and adds a little noise."""
    b = len(images)
    padded = F.pad(images, (1, 1, 1, 1))
    dy, dx = torch.randint(0, 3, (2, b), generator=generator)
    rows = dy[:, None, None] + torch.arange(8)[None, :, None]
    cols = dx[:, None, None] + torch.arange(8)[None, None, :]
    moved = padded[torch.arange(b)[:, None, None], rows, cols]
    return (moved + 0.05 * torch.randn(moved.shape, generator=generator)).clamp(0, 1)


def accuracy(p, images, labels, mode="full"):
    with torch.no_grad():
        return (forward(p, images, mode).argmax(1) == labels).double().mean().item()


def train(images, labels):
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    p = initial_parameters(generator)
    decay = [v for v in p.values() if v.ndim > 1]
    rest = [v for v in p.values() if v.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}],
                                  lr=2e-3)
    steps = EPOCHS * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        for batch in order.split(BATCH):
            loss = F.cross_entropy(forward(p, augment(images[batch], generator), dropout=0.1), labels[batch],
                                   label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
            optimizer.step()
            schedule.step()
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}, train {accuracy(p, images, labels):.4f}", flush=True)
    return {k: v.detach() for k, v in p.items()}


def write_safetensors(path, tensors, metadata):
    names = {torch.float32: "F32", torch.int64: "I64"}
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, t in sorted(tensors.items()):
        blob = t.contiguous().numpy().astype(t.numpy().dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    torch.set_num_threads(1)  # the same sums in the same order on every machine with this PyTorch
    train_images, train_labels, test_images, test_labels = load_split()
    p = train(train_images, train_labels)
    out = HERE / "digits_vit"
    out.mkdir(exist_ok=True)
    scores = {mode: accuracy(p, test_images, test_labels, mode) for mode in ("full", "uniform", "removed")}
    document = {
        "format": "flare-vit/1", "name": "digits_vit", "config": CONFIG,
        "training": {"script": "data/models/train_digits_vit.py", "data": "data/digits/digits.csv",
                     "train_images": len(train_images), "test_images": len(test_images), "epochs": EPOCHS,
                     "seed": SEED, "torch": torch.__version__, "python": platform.python_version()},
        "test_accuracy": {"float": scores["full"], "uniform_attention": scores["uniform"],
                          "attention_removed": scores["removed"]},
        "train_accuracy": accuracy(p, train_images, train_labels)}
    write_safetensors(out / "model.safetensors", p, {"format": "flare-vit/1", "license": "Apache-2.0"})
    (out / "model.json").write_text(json.dumps(document, indent=2) + "\n")
    with torch.no_grad():
        golden = {"pixels": (test_images[:32] / CONFIG["pixel_scale"]).round().long().flatten(1), "labels": test_labels[:32],
                  "logits": forward(p, test_images[:32]),
                  "logits_uniform": forward(p, test_images[:32], "uniform"),
                  "logits_removed": forward(p, test_images[:32], "removed")}
    write_safetensors(out / "golden.safetensors", golden, {"made_by": "data/models/train_digits_vit.py"})
    print(json.dumps(document["test_accuracy"]))


if __name__ == "__main__":
    main()
