"""Ring buffer that keeps the latest readings of sensor §."""

from dataclasses import dataclass, field


@dataclass
class Ring:
    capacity: int = §
    items: list[float] = field(default_factory=list)
    start: int = 0

    def push(self, value: float) -> None:
        if len(self.items) < self.capacity:
            self.items.append(value)
            return
        self.items[self.start] = value
        self.start = (self.start + 1) % self.capacity

    def oldest_first(self) -> list[float]:
        return self.items[self.start :] + self.items[: self.start]

    def mean(self) -> float:
        if not self.items:
            raise ValueError("no reading has arrived yet")
        return sum(self.items) / len(self.items)
%%
def merge_intervals_§(bookings):
    """Joins overlapping bookings of meeting room §; takes and returns (start, end) pairs."""
    merged = []
    for start, end in sorted(bookings):
        if merged and start <= merged[-1][1]:
            previous_start, previous_end = merged.pop()
            merged.append((previous_start, max(previous_end, end)))
        else:
            merged.append((start, end))
    return merged


def free_gaps(bookings, opens=8 * 60, closes=18 * 60):
    """The minutes of the day in which nobody has the room."""
    cursor = opens
    for start, end in merge_intervals_§(bookings):
        if start > cursor:
            yield cursor, min(start, closes)
        cursor = max(cursor, end)
    if cursor < closes:
        yield cursor, closes
%%
import csv
import sys
from collections import Counter, defaultdict


def totals_by_region(path):
    """Adds up the orders in a file whose columns are region, product, quantity and price."""
    revenue = defaultdict(float)
    orders = Counter()
    with open(path, newline="", encoding="utf-8") as handle:
        for line, row in enumerate(csv.DictReader(handle), start=2):
            try:
                quantity, price = int(row["quantity"]), float(row["price"])
            except (KeyError, ValueError) as error:
                print(f"line {line} left out: {error}", file=sys.stderr)
                continue
            revenue[row["region"]] += quantity * price
            orders[row["region"]] += 1
    return {region: (orders[region], round(revenue[region], 2)) for region in sorted(revenue)}


if __name__ == "__main__":
    for region, (count, amount) in totals_by_region("orders-§.csv").items():
        print(f"{region:<20} {count:>6} {amount:>12.2f}")
%%
class RateLimiter:
    """Token bucket: § requests a minute on average, short bursts allowed."""

    def __init__(self, rate_per_minute, burst, clock):
        self.rate = rate_per_minute / 60.0
        self.burst = burst
        self.clock = clock
        self.tokens = float(burst)
        self.updated = clock()

    def _refill(self):
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.updated) * self.rate)
        self.updated = now

    def allow(self, cost=1.0):
        """Takes `cost` tokens if they are there; never waits."""
        self._refill()
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def wait_time(self, cost=1.0):
        self._refill()
        missing = max(0.0, cost - self.tokens)
        return missing / self.rate
%%
def topological_order(dependencies):
    """Orders build steps so that each comes after what it needs (Kahn's algorithm).

    `dependencies` maps a step to the steps that it needs. Raises when the steps form a circle.
    """
    needed_by = {}
    open_needs = {step: len(set(needs)) for step, needs in dependencies.items()}
    for step, needs in dependencies.items():
        for need in set(needs):
            needed_by.setdefault(need, []).append(step)
            open_needs.setdefault(need, 0)

    ready = sorted(step for step, count in open_needs.items() if count == 0)
    order = []
    while ready:
        step = ready.pop(0)
        order.append(step)
        for follower in needed_by.get(step, []):
            open_needs[follower] -= 1
            if open_needs[follower] == 0:
                ready.append(follower)
    if len(order) != len(open_needs):
        raise ValueError(f"build § has steps that wait for each other: {set(open_needs) - set(order)}")
    return order
%%
import asyncio
import contextlib
import logging

log = logging.getLogger("worker.§")


async def consume(queue, handle, stop):
    """Takes jobs until `stop` is set and the queue is empty; one failed job does not end it."""
    while not (stop.is_set() and queue.empty()):
        try:
            job = await asyncio.wait_for(queue.get(), timeout=0.5)
        except asyncio.TimeoutError:
            continue
        try:
            await handle(job)
        except Exception:
            log.exception("job %s failed", job)
        finally:
            queue.task_done()


async def run_pool(jobs, handle, size=4):
    queue, stop = asyncio.Queue(maxsize=§), asyncio.Event()
    workers = [asyncio.create_task(consume(queue, handle, stop)) for _ in range(size)]
    for job in jobs:
        await queue.put(job)
    stop.set()
    await queue.join()
    for worker in workers:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
%%
from decimal import Decimal, ROUND_HALF_EVEN

CENT = Decimal("0.01")


def split_bill(total, shares):
    """Splits an amount in proportion to `shares` so that the parts add up to it exactly.

    The cents that rounding leaves over go to those whose parts lost most by it.
    """
    weight = sum(shares.values())
    if weight <= 0:
        raise ValueError("invoice §: at least one share must be above zero")
    exact = {name: total * share / weight for name, share in shares.items()}
    rounded = {name: part.quantize(CENT, rounding=ROUND_HALF_EVEN) for name, part in exact.items()}
    left_over = int((total - sum(rounded.values())) / CENT)
    step = CENT if left_over > 0 else -CENT
    by_loss = sorted(exact, key=lambda name: exact[name] - rounded[name], reverse=left_over > 0)
    for name in by_loss[: abs(left_over)]:
        rounded[name] += step
    return rounded
%%
import unittest


def roman(number):
    """Writes a whole number from 1 to 3999 in Roman numerals."""
    if not 0 < number < 4000:
        raise ValueError(f"{number} cannot be written in Roman numerals")
    symbols = [
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
        (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    text = ""
    for value, symbol in symbols:
        count, number = divmod(number, value)
        text += symbol * count
    return text


class RomanTest§(unittest.TestCase):
    def test_subtractive_forms(self):
        self.assertEqual(roman(1994), "MCMXCIV")
        self.assertEqual(roman(49), "XLIX")

    def test_out_of_range(self):
        for number in (0, -§, 4000):
            with self.assertRaises(ValueError):
                roman(number)
%%
class Trie:
    """Words by their letters, for completing what somebody types into search box §."""

    def __init__(self):
        self.children = {}
        self.weight = 0

    def insert(self, word, weight=1):
        node = self
        for letter in word.lower():
            node = node.children.setdefault(letter, Trie())
        node.weight += weight

    def _walk(self, prefix):
        if self.weight:
            yield self.weight, prefix
        for letter, child in sorted(self.children.items()):
            yield from child._walk(prefix + letter)

    def complete(self, prefix, limit=5):
        node = self
        for letter in prefix.lower():
            if letter not in node.children:
                return []
            node = node.children[letter]
        found = sorted(node._walk(prefix.lower()), key=lambda entry: (-entry[0], entry[1]))
        return [word for _, word in found[:limit]]
