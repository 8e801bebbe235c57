"""Times the first look at a run of many machines: a plan is made, rehearsed by its emulator, served, and asked for as a browser does."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

SECOND = 1.0
MOST = 2 * 1000 * 1000


def documents(folder, count):
    """Writes a plan of as many machines as are wanted, each like the first of the classic world."""
    worlds = pathlib.Path("tests/worlds")
    inventory = (worlds / "classic.inventory.yaml").read_text()
    head, machines = inventory.split("\nmachines:\n")
    first = machines[: machines.index("  - {<<: *w1, name: w2")]
    entry = next(line for line in machines.splitlines() if "name: w2" in line)
    end = machines[machines.index(next(line for line in machines.splitlines() if "name: l1" in line)) :]
    rest = "\n".join(end.splitlines()[1:])
    more = []
    for number in range(2, count + 1):
        line = entry.replace("w2", f"w{number}")
        more.append(line.replace("564d0000-0000-0000-0000-000000000002", f"564d0000-0000-0000-0001-{number:012d}"))
    head = head.replace("free_gb: 10240", "free_gb: 9999999").replace("free_memory_gb: 512", "free_memory_gb: 999999")
    text = head + "\nmachines:\n" + first + "\n".join(more) + "\n" + rest + "\n"
    (folder / "classic.inventory.yaml").write_text(text)
    plan = (worlds / "classic.plan.yaml").read_text()
    plan = plan[: plan.index("machines:\n")].replace("commit: on_approval", "commit: automatic")
    names = "".join(f"  - name: w{number}\n" for number in range(1, count + 1))
    (folder / "plans").mkdir()
    (folder / "classic.plan.yaml").write_text(plan + "machines:\n" + names)
    (folder / "failback.yaml").write_text("kind: Settings\nversion: 1\nplans: [plans]\n")


def main(program, count):
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        documents(folder, count)
        run = [program, "run", "classic.plan.yaml", "--auto-approve", "--speed", "max", "--format", "json"]
        began = time.monotonic()
        done = subprocess.run(run, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}: {done.stderr[:2000]}")
        print(f"{count} machines, run in {time.monotonic() - began:.1f} s")
        serve = [program, "serve", "--listen", "127.0.0.1:0"]
        server = subprocess.Popen(serve, cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            return looked(folder, server)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def looked(folder, server):
    for line in server.stdout:
        if found := re.match(r"dashboard: (\S+)", line):
            base = found.group(1)
        if line.startswith("token:"):
            break
    token = (folder / ".failback" / "dashboard.token").read_text().strip()

    def get(path):
        request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {token}"})
        began = time.monotonic()
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return body, time.monotonic() - began

    run = json.loads(get("/api/v1/runs")[0])["runs"][0]["run"]
    is_good = True
    # What a browser asks for, for the first time and again: the page is painted when it has come, its tables when the others have.
    for turn in ["first", "again"]:
        total = 0.0
        for path in [f"/runs/{run}", f"/api/v1/runs/{run}/outline", f"/api/v1/runs/{run}/view"]:
            body, took = get(path)
            total += took
            is_painted = path == f"/runs/{run}"
            is_good = is_good and len(body) <= MOST and (took < SECOND or not is_painted)
            print(f"{turn:5} {took * 1000:8.0f} ms {len(body) / 1e6:6.2f} MB {path.replace(run, 'RUN')}")
        print(f"{turn:5} {total * 1000:8.0f} ms until everything is there")
    for path in ["/runs", "/", "/drills", "/findings"]:
        body, took = get(path)
        is_good = is_good and len(body) <= MOST
        print(f"      {took * 1000:8.0f} ms {len(body) / 1e6:6.2f} MB {path}")
    print("kept" if is_good else "missed", "(first paint below 1 s, no answer above 2 MB)")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
