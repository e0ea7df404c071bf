"""Plots the steps and the sleep of each user, from the folder of an export:

    terrace export out --format csv --type daily,sleep
    pip install matplotlib
    python examples/plot/plot.py out steps-and-sleep.png
"""

import csv
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STEPS = "distance_data.steps"
ASLEEP = "sleep_durations_data.asleep.duration_asleep_state_seconds"


def by_user(path, column, day):
    """{user: {day: value}} of one column, the greatest of each day: of two sleeps that overlap, the longer one."""
    users = defaultdict(lambda: defaultdict(float))
    if not path.exists():
        return users
    with path.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            # A column is there if any record of the export has the value; of those without it the cell is empty.
            if not row.get(column):
                continue
            values, value = users[row["user_id"]], float(row[column])
            # The first ten characters of a time are the user's own date, wherever they were.
            at = date.fromisoformat(row[day][:10])
            values[at] = max(values[at], value)
    return users


def main(folder, picture):
    steps = by_user(folder / "daily.csv", STEPS, "start_time")
    # A night counts for the day it ends on.
    sleep = by_user(folder / "sleep.csv", ASLEEP, "end_time")
    if not steps and not sleep:
        sys.exit(f"{folder} has no steps and no sleep; make it with terrace export --format csv --type daily,sleep")

    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(10, 6))
    for user in sorted(set(steps) | set(sleep)):
        days = sorted(steps[user].items())
        nights = sorted((day, seconds / 3600) for day, seconds in sleep[user].items())
        above.plot([day for day, _ in days], [value for _, value in days], marker=".", label=user[:8])
        below.plot([day for day, _ in nights], [hours for _, hours in nights], marker=".", label=user[:8])
    above.set_ylabel("steps a day")
    below.set_ylabel("hours asleep")
    above.legend(fontsize="small", loc="upper left")
    figure.autofmt_xdate()
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    print(f"{picture}: {sum(map(len, steps.values()))} days, {sum(map(len, sleep.values()))} nights")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
