from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hftransfer.data import arrow, load_data
from hftransfer.errors import OutputError, SourceError
from hftransfer.values import Event


def test_rows_are_mapped_from_disk(class_folders, home):
    data = load_data(class_folders({"cat": 10, "dog": 10}))
    for split in data.splits.values():
        (file,) = split.cache_files
        assert Path(file["filename"]).is_relative_to(home / "datasets")


def test_a_second_load_reads_no_input(class_folders, monkeypatch):
    root = class_folders({"cat": 10, "dog": 10})
    (root / "cat" / "000.jpg").write_bytes(b"")
    first = load_data(root)
    monkeypatch.setattr(arrow, "look", lambda content, path: pytest.fail("read again"))
    second = load_data(root)
    assert (second.digests, second.problems) == (first.digests, first.problems)
    assert load_data(shutil.copytree(root, root.parent / "copy")).digests == first.digests


@pytest.mark.parametrize("change", ["write", "add", "remove", "rename"])
def test_a_changed_source_is_read_again(class_folders, picture, change):
    root = class_folders({"cat": 10, "dog": 10})
    before = load_data(root)
    first = root / "cat" / "000.jpg"
    if change == "write":
        first.write_bytes(picture(77, "PNG"))
    elif change == "add":
        (root / "cat" / "new.jpg").write_bytes(picture(77))
    elif change == "remove":
        first.unlink()
    else:
        first.rename(root / "dog" / "moved.jpg")
    after = load_data(root)
    assert after.digests != before.digests
    assert sum(after.rows.values()) == 20 + (change == "add") - (change == "remove")


def test_damaged_files_are_written_again(class_folders, home):
    root = class_folders({"cat": 10, "dog": 10})
    before = load_data(root)
    for file in (home / "datasets").rglob("*.arrow"):
        file.write_bytes(b"damaged")
    assert load_data(root).digests == before.digests


def test_several_may_write_at_once(class_folders, home):
    root = class_folders({"cat": 20, "dog": 20})
    with ThreadPoolExecutor(6) as pool:
        loaded = list(pool.map(lambda _: load_data(root), range(6)))
    assert len({tuple(data.digests.items()) for data in loaded}) == 1
    assert len(list((home / "datasets").iterdir())) == 1


def test_another_process_may_make_room_at_once(class_folders, home, monkeypatch):
    monkeypatch.setattr(arrow, "prune", lambda folder, limit: [shutil.rmtree(entry) for entry in folder.iterdir()])
    data = load_data(class_folders({"cat": 10, "dog": 10}))
    assert sum(data.rows.values()) == 20 and data.splits["train"][0]["image"].size == (16, 16)


def test_a_refused_source_leaves_nothing(table, home):
    with pytest.raises(SourceError):
        load_data(table("days.csv", "text,label\na text,\n"))
    assert list((home / "datasets").iterdir()) == []


def test_a_home_that_cannot_be_written(class_folders, home, monkeypatch):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrow, "ArrowWriter", full)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        load_data(class_folders({"cat": 10, "dog": 10}))
    assert str(home) in caught.value.place and "HFTRANSFER_HOME" in caught.value.fix
    assert list((home / "datasets").iterdir()) == []


def test_reading_is_told_as_events(class_folders):
    events: list[Event] = []
    load_data(class_folders({"cat": 100, "dog": 100}), on_event=events.append)
    assert {event.stage for event in events} == {"load"}
    read = next(place for place, event in enumerate(events) if event.message == "pets: 200 rows")
    assert [event.step for event in events[:read]] == sorted({event.step for event in events[:read]})
    assert events[read - 1].step == 200 and not any(event.step for event in events[read:])


# What the process holds itself: pages of a mapped file are the system's to take back.
GROW = """
import re, sys, threading, time
from pathlib import Path
from hftransfer.data import load_data
held = lambda: int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
load_data("sample:helpdesk")
before, seen = held(), []
threading.Thread(target=lambda: [seen.append(held()) or time.sleep(0.005) for _ in iter(int, 1)], daemon=True).start()
data = load_data(sys.argv[1])
print(max(seen) - before, sum(data.rows.values()))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc: what a process holds itself")
def test_memory_does_not_grow_with_the_data(table):
    """A text of a megabyte takes room while it is looked at; twice as many take no more."""
    grown = {rows: held(table, rows) for rows in (60, 180)}
    assert grown[180] < grown[60] + 60_000, grown  # kilobytes; the texts alone are 117,000 more


def held(table, rows: int) -> int:
    megabyte = "word " * 200_000
    source = table(f"{rows}.csv", "text,label\n" + "".join(f"{i} {megabyte},{'ab'[i % 2]}\n" for i in range(rows)))
    done = subprocess.run([sys.executable, "-c", GROW, str(source)], capture_output=True, text=True, check=True)
    grown, read = map(int, done.stdout.split())
    assert read == rows
    return grown


def test_loading_imports_no_torch(class_folders):
    script = "import sys; from hftransfer.data import load_data; load_data(sys.argv[1]); print('torch' in sys.modules)"
    root = class_folders({"cat": 4, "dog": 4})
    done = subprocess.run([sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False" and not done.stderr
