"""An interrupted run ends with 130 and leaves everything as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.command import (
    COMMAND,
    Row,
    environment,
    left,
    write_rows,
)
from tests.e2e.conftest import dearer


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    """The command, running; a test in the background may have inherited an ignored SIGINT."""
    return subprocess.Popen(
        [str(COMMAND), *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted; nothing half-written was left" in err
    assert "Traceback" not in err
    assert "Report:" not in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_interrupted_while_it_reads(tmp_path: Path, out: Path) -> None:
    pipe = tmp_path / "april.csv"
    os.mkfifo(pipe)
    process = started("check", pipe, "-o", out)
    writer = None
    for _ in range(2000):
        try:
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # nobody reads yet
            time.sleep(0.01)
    assert writer is not None
    try:
        interrupted(process)
    finally:
        os.close(writer)
    assert left(out) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX signals")
def test_interrupted_while_it_writes(singles: list[Row], tmp_path: Path, out: Path) -> None:
    """Many findings, so that page and workbook take a while; an earlier run stays as it was."""
    rows = [
        row | {"spell_id": f"{row['spell_id']}X{copy}", "patient_id": f"{row['patient_id']}X{copy}"}
        for row in (dearer(row, 500) for row in singles)
        for copy in range(5)
    ]
    path = write_rows(tmp_path / "april.csv", rows)
    out.mkdir()
    (out / "findings.csv").write_text("of an earlier run")
    process = started("check", path, "-o", out)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if any(name.endswith(".new") for name in left(out)):
            break
        time.sleep(0.002)
    interrupted(process)
    assert left(out) == {"findings.csv"}
    assert (out / "findings.csv").read_text() == "of an earlier run"
