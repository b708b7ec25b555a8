#!/usr/bin/env python3
"""Replays what work_trace recorded on any number of workers: their speedup over one, and shards'.

    replay_work.py TRACE.csv [--even] [--scale X] [WORKERS...]

A worker takes a run of the first task in order that has one left; a task posts its next batch when the one before is back
and it has thought; loading a netlist costs 1.2 ms where a worker goes to another batch, the manager 6 us a run. Runs
of a batch scatter by 15 %. Tasks of a stage: at most 2 N + 2 at once, as in the program. --scale multiplies what was recorded, as for
another processor: on a busy machine processor time is longer, too, while the costs above did not grow. --even takes for
a run of a level the median over all runs of its SAWL: what else the machine did while it was recorded does not count.

Shards of one core go through what `flare batch` writes: points, what tails start from and the nominal corner's samples; then
levels; then those that are asked again; then the merge, which thinks all of it through once more. Each stage takes as long
as its slowest shard; items go to shards by what the program guesses. Python alone."""

import csv
import heapq
import random
import re
import statistics
import sys
from collections import defaultdict

LOAD, MANAGER, SCATTER = 1.2e-3, 6e-6, 0.15


def read(path, even, scale):
    """Stages in order: a list of tasks each, a task a list of (rows, seconds a run, thought, bench)."""
    with open(path) as file:
        rows = [(int(r["serve"]), int(r["task"]), int(r["rows"]), float(r["seconds"]), float(r["thought"]), r["bench"])
                for r in csv.DictReader(file) if int(r["rows"]) > 0]
    usual = defaultdict(list)
    for _, _, n, seconds, _, bench in rows:
        if level_of(bench):
            usual[sawl_of(bench)] += [seconds / n] * n
    usual = {sawl: statistics.median(runs) for sawl, runs in usual.items()}
    stages = []
    at = None
    for serve, task, n, seconds, thought, bench in rows:
        if serve != at:
            stages.append(defaultdict(list))
            at = serve
        run = usual[sawl_of(bench)] if even and level_of(bench) else seconds / n
        stages[-1][task].append((n, scale * run, scale * thought, bench))
    return [[tasks[t] for t in sorted(tasks)] for tasks in stages]


def sawl_of(bench):
    return int(re.search(r"/sawl(\d+)/", bench)[1])


def level_of(bench):
    """(point, k) of a level's testbench; None of others."""
    match = re.fullmatch(r"(.*) k (\d+)", bench)
    return match and (match[1], int(match[2]))


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
            group_left[task] = sum(batch[0] for batch in group)
            for n, (rows, seconds, *_) in enumerate(group):
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
    return sum(rows * seconds + thought + LOAD for rows, seconds, thought, _ in task)


def benches(task):
    return {bench for *_, bench in task}


def split(items, weights, count):
    """The longest of `count` shards: {item: seconds}, heaviest guess first, each to the one that has the least so far."""
    load, took = [0.0] * count, [0.0] * count
    for item in sorted(items, key=lambda i: -weights[i]):
        shard = load.index(min(load))
        load[shard] += weights[item]
        took[shard] += items[item]
    return max(took)


def run_weight(sawl):  # as the program guesses
    return 1.5 + 0.6 * sawl


PLAIN, TAIL, LOWEST = 150, 250, 170  # runs of a level: plain samples; of its tails, usually; of those without an on-cell


class Division:
    """What shards share out, from the stages of one process."""

    def __init__(self, stages):
        self.before, self.levels, self.again = defaultdict(float), defaultdict(float), defaultdict(float)
        self.chain, self.sampled, self.thought = 0.0, {}, 0.0
        self.nominal = set()  # points whose full scale is learnt from
        tails = set()  # of the stage before
        for tasks in stages:
            levels = set()
            for task in tasks:
                self.thought += sum(thought for _, _, thought, _ in task)
                named = benches(task)
                if not all(level_of(bench) for bench in named):  # timing, energy
                    for batch in task:
                        self.before[batch[3].rsplit(" k ", 1)[0].removesuffix(" timing")] += cost([batch])
                elif len(named) > 1 and any(batch[2] for batch in task):
                    self.chain += cost(task)
                    self.nominal |= {level_of(bench)[0] for bench in named}
                elif len(named) > 1:
                    self.take_batches(task)
                elif named <= tails:
                    self.again[level_of(*named)] += cost(task)
                else:
                    self.levels[level_of(*named)] += cost(task)
                    levels |= named
            tails = levels

    def take_batches(self, task):
        """Runs of many levels posted together: their plain samples, or nominal levels and the screening."""
        for batch in task:
            point, k = level_of(batch[3])
            if batch[0] == PLAIN:
                self.sampled[point, k] = cost([batch])
            else:
                self.before[point] += cost([batch])

    def walls(self, count):
        """Seconds of the screening, the levels and the rest among shards, and of the merge's thinking."""
        first = {point: seconds for point, seconds in self.before.items()}
        guess = {point: run_weight(sawl_of(point + "/")) * (5 * sawl_of(point + "/") + 4) for point in first}
        first["learning"] = self.chain
        guess["learning"] = sum(run_weight(sawl_of(point + "/")) * (PLAIN + LOWEST) for point in self.nominal)
        second, weights = {}, {}
        for item in set(self.levels) | set(self.sampled):
            point, k = item
            sawl = sawl_of(point + "/")
            second[item] = self.levels.get(item, 0.0)
            weights[item] = run_weight(sawl) * (LOWEST if k == 0 else TAIL)
            if point in self.nominal and k == sawl:
                weights[item] = run_weight(sawl)  # whoever learns has sampled it
            elif point in self.nominal:
                first[item], guess[item] = self.sampled[item], run_weight(sawl) * PLAIN
            else:
                second[item] += self.sampled[item]
                weights[item] += run_weight(sawl) * PLAIN
        order = list(self.before)  # of the points, as the study has them
        again = {item: self.again[item] for item in sorted(self.again, key=lambda item: (order.index(item[0]), item[1]))}
        left = {item: run_weight(sawl_of(item[0] + "/")) for item in again}
        return split(first, guess, count), split(second, weights, count), split(again, left, count), self.thought


def main():
    words = sys.argv[1:]
    scale = 1.0
    if "--scale" in words:
        at = words.index("--scale")
        scale = float(words[at + 1])
        del words[at : at + 2]
    even = "--even" in words
    if even:
        words.remove("--even")
    stages = read(words[0], even, scale)
    if not stages:
        sys.exit(f"{words[0]}: holds no batches; was work_trace ended early?")
    # A core thinks while others simulate; a load of the machine while it was recorded would count as thought.
    one = wall(stages, 1)
    work = sum(batch[0] * batch[1] for tasks in stages for task in tasks for batch in task)
    print(f"{sum(len(t) for s in stages for t in s)} batches, {work:.1f} s of a core, {one:.1f} s on one worker")
    counts = [int(word) for word in words[1:]] or [2, 8, 64]
    for n in counts:
        took = wall(stages, n)
        print(f"{n:5d} workers: {took:8.2f} s, speedup {one / took:6.1f}, efficiency {one / took / n:.2f}")
    division = Division(stages)
    for n in counts:
        *walls, thought = division.walls(n)
        took = sum(walls)
        print(f"{n:5d} shards: {' + '.join(f'{wall:.2f}' for wall in walls)} s and the merge's {thought:.2f} s; efficiency "
              f"{one / (took + thought) / n:.2f}, with the merge on {n} cores {one / (took + thought / n) / n:.2f}")


if __name__ == "__main__":
    main()
