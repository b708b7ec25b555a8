#!/usr/bin/python3
"""Writes sentences in which verbs agree with their subjects or do not, trains a small BERT to tell them apart, and keeps

    ../text/agreement/test.tsv               sentence, label (1: every verb agrees)
    ../text/agreement/train.tsv              the first thousand of the sentences learned, to calibrate static scales with
    agreement_bert/config.json, model.safetensors, vocab.txt     a Hugging Face folder
    agreement_bert/golden.safetensors        test sentences with the logits PyTorch computes for them
    agreement_bert/training.json             how it was trained, what it scores, in full, with scores ignored, without attention

Needs Debian's python3-torch only:   /usr/bin/python3 data/models/train_agreement.py

Before and after a subject stand nouns of the other number as often as not, so that neither a word nor its place tells the label:
which noun has no preposition, and whether the verb is in its number, must be found by looking from word to word. Sentences are made
from a list of words by rules written here: no text of others is in them.
"""
import json
import math
import pathlib
import platform
import random
import struct

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
SEED, EPOCHS, BATCH = 5, 20, 64
TRAIN, TEST, KEPT = 12000, 1000, 1000
WIDTH, LAYERS, HEADS, MLP, LONGEST = 32, 2, 4, 64, 24
NOUNS = [("key", "keys"), ("girl", "girls"), ("dog", "dogs"), ("lamp", "lamps"), ("judge", "judges"), ("boat", "boats"),
         ("teacher", "teachers"), ("window", "windows"), ("farmer", "farmers"), ("letter", "letters")]
VERBS = [("is", "are"), ("was", "were"), ("has", "have"), ("seems", "seem"), ("falls", "fall"), ("waits", "wait")]
ENDS = ["old", "late", "there", "quiet", "again", "outside"]
PLACES = ["near", "behind", "above", "with", "beside"]
ADJECTIVES = ["red", "small", "tired", "new"]
OPENINGS = ["today", "yesterday", "sometimes", "perhaps"]


def noun_phrase(rng, number):
    words = ["the"]
    if rng.random() < 0.3:
        words.append(rng.choice(ADJECTIVES))
    return words + [rng.choice(NOUNS)[number]]


def clause(rng, agrees):
    """A subject, nouns before and after it that are not, and a verb in the subject's number or in the other."""
    number = rng.randrange(2)
    place = [[rng.choice(PLACES)] + noun_phrase(rng, rng.randrange(2)) for _ in range(rng.choice([1, 2, 3]))]
    before = rng.randrange(min(2, len(place)) + 1)
    words = sum(place[:before], []) + noun_phrase(rng, number) + sum(place[before:], [])
    return words + [rng.choice(VERBS)[number if agrees else 1 - number], rng.choice(ENDS)]


def sentence(rng):
    label = rng.randrange(2)
    words = [rng.choice(OPENINGS)] if rng.random() < 0.5 else []
    return " ".join(words + clause(rng, label == 1)) + " .", label


def sentences(rng, count, without=()):
    made, seen = [], set(without)
    while len(made) < count:
        text, label = sentence(rng)
        if text not in seen:
            seen.add(text)
            made.append((text, label))
    return made


def vocabulary():
    words = sorted({w for pair in NOUNS + VERBS for w in pair} | set(ENDS + PLACES + ADJECTIVES + OPENINGS) | {"the", "."})
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + words


def encode(texts, ids):
    rows = [[ids["[CLS]"]] + [ids[w] for w in t.split()] + [ids["[SEP]"]] for t in texts]
    batch = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for i, row in enumerate(rows):
        batch[i, :len(row)] = torch.tensor(row)
    return batch


def linear(p, name, inputs, outputs, g):
    p[name + ".weight"] = torch.randn(outputs, inputs, generator=g) / math.sqrt(inputs)
    p[name + ".bias"] = torch.zeros(outputs)


def norm(p, name):
    p[name + ".weight"], p[name + ".bias"] = torch.ones(WIDTH), torch.zeros(WIDTH)


def parameters(words, g):
    p, e = {}, "bert.embeddings."
    for table, rows in (("word", words), ("position", LONGEST), ("token_type", 1)):
        p[f"{e}{table}_embeddings.weight"] = torch.randn(rows, WIDTH, generator=g) * 0.5
    norm(p, e + "LayerNorm")
    for i in range(LAYERS):
        at = f"bert.encoder.layer.{i}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linear(p, at + part, WIDTH, WIDTH, g)
        norm(p, at + "attention.output.LayerNorm")
        linear(p, at + "intermediate.dense", WIDTH, MLP, g)
        linear(p, at + "output.dense", MLP, WIDTH, g)
        norm(p, at + "output.LayerNorm")
    linear(p, "bert.pooler.dense", WIDTH, WIDTH, g)
    linear(p, "classifier", WIDTH, 2, g)
    return {k: v.requires_grad_() for k, v in p.items()}


def apply(p, name, x):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def normed(p, name, x):
    return F.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"], 1e-12)


def attention(p, at, x, mask, mode):
    """mode: "full"; "uniform", every word weighs all words alike; "removed", no attention output at all."""
    b, n, _ = x.shape
    if mode == "removed":
        return torch.zeros_like(x)
    q, k, v = (apply(p, f"{at}attention.self.{w}", x).view(b, n, HEADS, -1).transpose(1, 2)
               for w in ("query", "key", "value"))
    scores = q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS)
    if mode == "uniform":
        scores = torch.zeros_like(scores)
    weights = scores.masked_fill(~mask[:, None, None, :], -1e30).softmax(3)
    return apply(p, at + "attention.output.dense", (weights @ v).transpose(1, 2).reshape(b, n, WIDTH))


def forward(p, ids, mode="full"):
    mask, e = ids != 0, "bert.embeddings."
    x = p[e + "word_embeddings.weight"][ids] + p[e + "position_embeddings.weight"][:ids.shape[1]]
    x = normed(p, e + "LayerNorm", x + p[e + "token_type_embeddings.weight"][0])
    for i in range(LAYERS):
        at = f"bert.encoder.layer.{i}."
        x = normed(p, at + "attention.output.LayerNorm", x + attention(p, at, x, mask, mode))
        x = normed(p, at + "output.LayerNorm",
                   x + apply(p, at + "output.dense", F.gelu(apply(p, at + "intermediate.dense", x))))
    return apply(p, "classifier", torch.tanh(apply(p, "bert.pooler.dense", x[:, 0])))


def accuracy(p, ids, labels, mode="full"):
    with torch.no_grad():
        return (forward(p, ids, mode).argmax(1) == labels).double().mean().item()


def train(p, ids, labels):
    optimizer = torch.optim.AdamW(p.values(), lr=3e-3, weight_decay=1e-3)
    steps = EPOCHS * (len(ids) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.15)
    g = torch.Generator().manual_seed(SEED + 1)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(ids), generator=g)
        for first in range(0, len(ids) - BATCH + 1, BATCH):
            rows = order[first:first + BATCH]
            loss = F.cross_entropy(forward(p, ids[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(epoch, f"{loss.item():.4f}", flush=True)


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"license": "Apache-2.0"}}, b""
    for name, t in tensors.items():
        t = t.detach().contiguous()
        raw = t.numpy().tobytes()
        kind = {torch.float32: "F32", torch.int64: "I64"}[t.dtype]
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_table(path, rows):
    path.write_text("sentence\tlabel\n" + "".join(f"{t}\t{y}\n" for t, y in rows))


def config(words):
    return {"model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": WIDTH,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": MLP, "hidden_act": "gelu",
            "layer_norm_eps": 1e-12, "vocab_size": words, "max_position_embeddings": LONGEST, "type_vocab_size": 1,
            "pad_token_id": 0, "id2label": {"0": "disagrees", "1": "agrees"}, "label2id": {"disagrees": 0, "agrees": 1}}


def main():
    torch.set_num_threads(1)  # the same sums in the same order on every machine with this PyTorch
    rng = random.Random(SEED)
    test = sentences(rng, TEST)
    learned = sentences(rng, TRAIN, [t for t, _ in test])
    words = vocabulary()
    numbers = {w: i for i, w in enumerate(words)}
    data = {name: (encode([t for t, _ in rows], numbers), torch.tensor([y for _, y in rows]))
            for name, rows in (("train", learned), ("test", test))}
    p = parameters(len(words), torch.Generator().manual_seed(SEED))
    train(p, *data["train"])
    out, text = HERE / "agreement_bert", HERE.parent / "text" / "agreement"
    out.mkdir(exist_ok=True)
    text.mkdir(parents=True, exist_ok=True)
    write_table(text / "test.tsv", test)
    write_table(text / "train.tsv", learned[:KEPT])
    (out / "vocab.txt").write_text("\n".join(words) + "\n")
    (out / "config.json").write_text(json.dumps(config(len(words)), indent=1) + "\n")
    write_safetensors(out / "model.safetensors", p)
    with torch.no_grad():
        ids = data["test"][0][:64]
        write_safetensors(out / "golden.safetensors", {
            "input_ids": ids, "attention_mask": (ids != 0).long(), "labels": data["test"][1][:64],
            "logits": forward(p, ids), "logits_uniform": forward(p, ids, "uniform"),
            "logits_removed": forward(p, ids, "removed")})
    scores = {mode: accuracy(p, *data["test"], mode) for mode in ("full", "uniform", "removed")}
    (out / "training.json").write_text(json.dumps({
        "script": "data/models/train_agreement.py", "sentences": TRAIN, "test_sentences": TEST, "epochs": EPOCHS,
        "seed": SEED, "torch": torch.__version__, "python": platform.python_version(), "test_accuracy": scores}, indent=1) + "\n")
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
