#!/usr/bin/env python3
"""Replays what work_trace recorded on any number of workers: their speedup over one, and shards'.

    replay_work.py TRACE.csv [--scale X] [WORKERS...]

A worker takes a run of the first task in order that has one left; a task posts its next batch when the one before is back
and it has thought; loading a netlist costs 1.2 ms where a worker goes to another batch, the manager 6 us a run. Runs
of a batch scatter by 15 %. Tasks of a stage: at most 2 N + 2 at once, as in the program. --scale multiplies what was recorded, as for
another processor: on a busy machine processor time is longer, too, while the costs above did not grow.

Shards of one core share out what comes before the levels while one of them learns what tails start from; then levels of
points by what a run takes, as the program guesses it; the merge runs what is asked again. Python alone."""

import csv
import heapq
import random
import sys
from collections import defaultdict

LOAD, MANAGER, SCATTER = 1.2e-3, 6e-6, 0.15


def read(path):
    """Stages in order: a list of tasks each, a task a list of (rows, seconds a run, thought)."""
    stages = []
    at = None
    with open(path) as file:
        for row in csv.DictReader(file):
            serve, rows = int(row["serve"]), int(row["rows"])
            if rows == 0:
                continue
            if at is None or serve != at or serve == 0:
                stages.append(defaultdict(list))
                at = serve
            stages[-1][int(row["task"])].append((rows, float(row["seconds"]) / rows, float(row["thought"])))
    return [[tasks[t] for t in sorted(tasks)] for tasks in stages]


def merge_parallel(task):
    """Batches that a task posts together (thought 0 behind the first) as one list of groups."""
    groups = []
    for batch in task:
        if groups and batch[2] == 0.0:
            groups[-1].append(batch)
        else:
            groups.append([batch])
    return groups


def replay_stage(tasks, workers, draw):
    """Wall time of a stage."""
    tasks = [merge_parallel(task) for task in tasks]
    waiting = list(range(len(tasks)))  # not begun
    events = []  # (time, order, what)
    order = 0
    open_batches = []  # heap of (task, number): runs left
    left, cost = {}, {}
    group_left = {}
    position = [0] * len(tasks)
    idle = list(range(workers))
    last = [None] * workers
    manager_free = 0.0
    clock = 0.0
    under_way = 0

    def push(time, what):
        nonlocal order
        heapq.heappush(events, (time, order, what))
        order += 1

    def begin():
        nonlocal under_way
        while waiting and under_way < 2 * workers + 2:
            under_way += 1
            push(clock, ("post", waiting.pop(0)))

    begin()
    while events:
        clock, _, what = heapq.heappop(events)
        if what[0] == "post":
            task = what[1]
            group = tasks[task][position[task]]
            group_left[task] = sum(rows for rows, _, _ in group)
            for n, (rows, seconds, _) in enumerate(group):
                key = (task, position[task], n)
                left[key], cost[key] = rows, seconds
                heapq.heappush(open_batches, key)
        else:
            _, worker, key = what
            idle.append(worker)
            task = key[0]
            group_left[task] -= 1
            if group_left[task] == 0:
                position[task] += 1
                if position[task] < len(tasks[task]):
                    push(clock + tasks[task][position[task]][0][2], ("post", task))
                else:
                    under_way -= 1
                    begin()
        while idle and open_batches:
            key = open_batches[0]
            worker = next((w for w in idle if last[w] == key), idle[-1])
            idle.remove(worker)
            manager_free = max(manager_free, clock) + MANAGER
            run = cost[key] * max(0.2, draw.gauss(1.0, SCATTER)) + (LOAD if last[worker] != key else 0.0)
            last[worker] = key
            push(manager_free + run, ("done", worker, key))
            left[key] -= 1
            if left[key] == 0:
                heapq.heappop(open_batches)
    return clock


def wall(stages, workers):
    draw = random.Random(1)
    return sum(replay_stage(tasks, workers, draw) for tasks in stages)


def cost(task):
    return sum(rows * seconds for rows, seconds, _ in task)


def sampling_of(tasks, levels):
    """The task of a stage that samples so many levels, all posted at once; None."""
    for task in tasks:
        if len(task) >= levels > 1 and not any(thought for _, _, thought in task):
            return task
    return None


def shards(stages, count):
    """Wall times of `count` shards and of the merge behind them. Tails of levels stand behind a stage that samples as many
    levels; the first of those has the chain that learns besides. Further ones are corners that "auto" adds, which shards
    share out, too, as far as the screening tells: here all of them."""
    tails = [i for i in range(1, len(stages)) if sampling_of(stages[i - 1], len(stages[i]))]
    first = tails[0]
    sampling = [sampling_of(stages[i - 1], len(stages[i])) for i in tails]
    samples = sum(map(cost, sampling))
    chain = sum(cost(task) for task in stages[first - 1] if task is not sampling[0])
    before = sum(cost(task) for tasks in stages[: first - 1] for task in tasks)
    items = [task for i in tails for task in stages[i]]
    weights = [sorted(seconds for _, seconds, _ in task)[len(task) // 2] for task in items]
    loads, took = [0.0] * count, [0.0] * count
    for item in sorted(range(len(weights)), key=lambda i: -weights[i]):
        shard = loads.index(min(loads))
        loads[shard] += weights[item]
        took[shard] += cost(items[item]) + samples * weights[item] / sum(weights)
    shared = {first - 1, *tails, *(i - 1 for i in tails)}
    merge = sum(cost(task) for i in range(first, len(stages)) if i not in shared for task in stages[i])
    return max(before / count, chain) + max(took), merge


def main():
    words = sys.argv[1:]
    scale = 1.0
    if "--scale" in words:
        at = words.index("--scale")
        scale = float(words[at + 1])
        del words[at : at + 2]
    stages = [[[(rows, scale * seconds, scale * thought) for rows, seconds, thought in task] for task in tasks]
              for tasks in read(words[0])]
    if not stages:
        sys.exit(f"{words[0]}: holds no batches; was work_trace ended early?")
    # A core thinks while others simulate; a load of the machine while it was recorded would count as thought.
    one = wall(stages, 1)
    work = sum(rows * seconds for tasks in stages for task in tasks for rows, seconds, _ in task)
    print(f"{sum(len(t) for s in stages for t in s)} batches, {work:.1f} s of a core, {one:.1f} s on one worker")
    counts = [int(word) for word in words[1:]] or [2, 8, 64]
    for n in counts:
        took = wall(stages, n)
        print(f"{n:5d} workers: {took:8.2f} s, speedup {one / took:6.1f}, efficiency {one / took / n:.2f}")
    for n in counts:
        took, merge = shards(stages, n)
        print(f"{n:5d} shards: {took:8.2f} s, efficiency {(work - merge) / took / n:.2f}; the merge {merge:.2f} s on a core, "
              f"with it {work / (took + merge) / n:.2f}, on {n} cores {work / (took + merge / n) / n:.2f}")


if __name__ == "__main__":
    main()
