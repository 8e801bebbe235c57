"""Measures what a step costs in failback and in other programs that run graphs of steps, each step doing nothing.

Called by `scripts/engines`, which installs the others: measure.py FAILBACK PEERS [MACHINES [PART...]]
"""

import concurrent.futures
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

FAILBACK, PEERS = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
MACHINES = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
HERE = pathlib.Path(__file__).resolve().parent
# What a machine goes through in failback's plan, so that the others get as many steps.
STEPS = 13
TICKS = os.sysconf("SC_CLK_TCK")


def child(words, folder, **more):
    """Runs a program to its end; returns CPU and wall seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def row(name, steps, cost):
    cpu, wall = cost
    print(f"{name:<58}{steps:>8}{cpu:>9.2f}{wall:>9.2f}{cpu / steps * 1e6:>12.0f}{wall / steps * 1e6:>12.0f}", flush=True)


def failback(folder):
    run = [FAILBACK, "run", "scale.plan.yaml", "--auto-approve", "--speed", "max", "--format", "json"]
    cost = child(run, folder)
    shown = subprocess.run([FAILBACK, "show", "--format", "json"], cwd=folder, capture_output=True, check=True)
    steps = len(json.loads(shown.stdout)["steps"])
    row("failback run, durable, emulated site, all rules", steps, cost)
    row("failback show: the record read, checked, replayed", steps, child([FAILBACK, "show", "--format", "json"], folder))


def ninja(folder):
    program = PEERS / "bin" / "ninja"
    lines = ["rule nothing", "  command = touch $out"]
    for machine in range(MACHINES):
        for step in range(STEPS):
            before = f" m{machine}s{step - 1}" if step else ""
            lines.append(f"build m{machine}s{step}: nothing{before}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    row("ninja, each step a process", MACHINES * STEPS, child([program, "-j", "2"], folder))
    row("ninja, nothing to be done", MACHINES * STEPS, child([program, "-j", "2"], folder))


def snakemake(folder):
    machines = max(MACHINES // 50, 1)
    text = "rule all:\n    input: " + ", ".join(f"'m{machine}s{STEPS - 1}'" for machine in range(machines)) + "\n"
    for step in range(STEPS):
        before = f"'m{{machine}}s{step - 1}'" if step else ""
        text += f"rule s{step}:\n    input: {before}\n    output: touch('m{{machine}}s{step}')\n"
    (folder / "Snakefile").write_text(text)
    words = [PEERS / "bin" / "snakemake", "--cores", "2", "--quiet", "all"]
    row("Snakemake, each step a rule without a command", machines * STEPS, child(words, folder))


def steno(folder):
    program = PEERS / "steno" / "release" / "steno-steps"
    row("steno 0.5, store in memory", MACHINES * STEPS, child([program, str(MACHINES), str(STEPS)], folder))


def cpu_of(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def post(url, body, patience=60.0):
    """Asks until somebody answers."""
    until = time.monotonic() + patience
    while True:
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def restate(folder):
    modules = PEERS / "npm" / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    (folder / "steps.mjs").write_text((HERE / "steps.mjs").read_text())
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server_program = next((modules / "@restatedev").glob("restate-server-*/bin/restate-server"))
    # Its own ports are those of others, too.
    ingress, admin, node, steps = free_ports(4)
    at = {"RESTATE_INGRESS__BIND_ADDRESS": ingress, "RESTATE_ADMIN__BIND_ADDRESS": admin, "RESTATE_BIND_ADDRESS": node}
    ports = {name: f"127.0.0.1:{port}" for name, port in at.items()}
    server = subprocess.Popen(
        [server_program, "--base-dir", folder / "restate"], env={**os.environ, **ports}, **quiet
    )
    service = subprocess.Popen(["node", "steps.mjs", str(steps)], **quiet)
    try:
        post(f"http://127.0.0.1:{admin}/deployments", {"uri": f"http://127.0.0.1:{steps}"})
        run = f"http://127.0.0.1:{ingress}/machine/run"
        post(run, STEPS)
        before, began = cpu_of(server) + cpu_of(service), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            list(pool.map(lambda _: post(run, STEPS), range(MACHINES)))
        wall, cpu = time.monotonic() - began, cpu_of(server) + cpu_of(service) - before
        row("Restate, server and service", MACHINES * STEPS, (cpu, wall))
    finally:
        service.terminate()
        server.terminate()
        service.wait()
        server.wait()


def main():
    print(f"{'program':<58}{'steps':>8}{'CPU s':>9}{'wall s':>9}{'CPU us/step':>12}{'us/step':>12}")
    parts = {"failback": failback, "ninja": ninja, "snakemake": snakemake, "steno": steno, "restate": restate}
    wanted = sys.argv[4:] or list(parts)
    for name, part in ((name, parts[name]) for name in wanted):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            if part is failback:
                subprocess.run([*os.environ["WRITE_ESTATE"].split(), str(MACHINES), str(folder)], check=True)
                (folder / "plan.yaml").rename(folder / "scale.plan.yaml")
                (folder / "inventory.yaml").rename(folder / "scale.inventory.yaml")
            try:
                part(folder)
            except (OSError, StopIteration) as error:
                print(f"{name}: left out ({error})")


main()
