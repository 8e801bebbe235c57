"""What the test programs share: where the emulated site is, how one signs in, and how its time passes.

A program gets one line of JSON on its standard input. It says on its standard output what it waits for, `sleep SECONDS`, and
goes on when it is answered: the site's time is moved by the test, so that the clients' own waiting is kept and takes no time.
"""

import heapq
import json
import sys
import threading

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential
from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient


class _Clock:
    """The site's time as several who wait share it: it goes on when all of them wait, to the first who is to go on."""

    def __init__(self):
        self.now = 0.0
        self.awake = 1
        self.waiting = []
        self.changed = threading.Condition()

    def sleep(self, seconds):
        with self.changed:
            until = self.now + max(float(seconds), 0.0)
            heapq.heappush(self.waiting, until)
            self.leave()
            while self.now < until:
                self.changed.wait()

    def leave(self):
        """One fewer is awake; whoever is the last to fall asleep moves the site's time."""
        with self.changed:
            self.awake -= 1
            if self.awake > 0 or not self.waiting:
                return
            print(f"sleep {self.waiting[0] - self.now}", flush=True)
            if sys.stdin.readline().strip() != "awake":
                raise SystemExit("the test has ended")
            self.now = self.waiting[0]
            while self.waiting and self.waiting[0] <= self.now:
                heapq.heappop(self.waiting)
                self.awake += 1
            self.changed.notify_all()


_clock = _Clock()


def sleep(seconds):
    """Lets the site's time pass."""
    _clock.sleep(seconds)


def together(works):
    """Does several works at the same time, and waits for all of them."""
    failed = []

    def one(work):
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            _clock.leave()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    _clock.awake += len(threads) - 1
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _clock.awake += 1
    if failed:
        raise failed[0]


class Transport(RequestsTransport):
    """The client's own transport; it waits by the site's clock."""

    def sleep(self, duration):
        sleep(duration)


class Token(SansIOHTTPPolicy):
    """Signs requests over plain HTTP, which the client itself refuses to do."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    def on_request(self, request):
        request.http_request.headers["Authorization"] = f"Bearer {self.token}"


class Nobody:
    """A credential that is never asked."""

    def get_token(self, *scopes, **options):
        raise AssertionError("nobody asks for a token over plain HTTP")


class Site:
    """The emulated site, seen through Microsoft's client."""

    def __init__(self):
        self.names = json.loads(sys.stdin.readline())
        names = self.names
        url = names["url"]
        options = {"base_url": url, "transport": Transport()}
        if url.startswith("https:"):
            credential = ClientSecretCredential(
                names["tenant"],
                names["client_id"],
                names["client_secret"],
                authority=url,
                disable_instance_discovery=True,
            )
            options["credential_scopes"] = [f"{url}/.default"]
        else:
            credential = Nobody()
            options["authentication_policy"] = Token(names["token"])
        self.client = SiteRecoveryManagementClient(credential, names["subscription"], **options)
        self.group = names["resource_group"]
        self.vault = names["vault"]
        self.fabric = names["fabric"]
        self.container = names["container"]
        self.items = names["items"]
        self.root = (
            f"/subscriptions/{names['subscription']}/resourceGroups/{self.group}"
            f"/providers/Microsoft.RecoveryServices/vaults/{self.vault}"
        )

    @property
    def at_vault(self):
        return (self.group, self.vault)

    @property
    def at_container(self):
        return (self.group, self.vault, self.fabric, self.container)

    def at_item(self, machine):
        return (*self.at_container, self.items[machine])

    def item(self, machine):
        return self.client.replication_protected_items.get(*self.at_item(machine))

    def container_id(self):
        return f"{self.root}/replicationFabrics/{self.fabric}/replicationProtectionContainers/{self.container}"

    def policy_id(self, name):
        return f"{self.root}/replicationPolicies/{name}"

    def power(self, machine, group="rg-dr"):
        """The power state of a machine's copy in Azure; `None` if there is none."""
        path = f"/subscriptions/{self.names['subscription']}/resourceGroups/{group}"
        path += f"/providers/Microsoft.Compute/virtualMachines/{machine}/instanceView?api-version=2024-07-01"
        answer = self.client.send_request(HttpRequest("GET", path))
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        codes = [status["code"] for status in answer.json()["statuses"]]
        return next(code for code in codes if code.startswith("PowerState/"))

    def wait_for(self, machine, what, is_so):
        """Looks at an item once a minute until it is as it is to be; six hours are enough for anything here."""
        for _ in range(360):
            item = self.item(machine)
            if is_so(item.properties):
                return item
            sleep(60)
        state = item.properties.protection_state
        raise AssertionError(f"{machine} does not become {what}: it is {state}")

    def wait_protected(self, machine, provider):
        def is_so(properties):
            return (
                properties.protection_state == "Protected"
                and properties.provider_specific_details.instance_type == provider
            )

        return self.wait_for(machine, f"protected by {provider}", is_so)

    def last_job(self, scenario):
        """The newest job of a scenario, read by itself: a list has no tasks."""
        listed = list(self.client.replication_jobs.list(*self.at_vault))
        assert all(not job.properties.tasks for job in listed), "a list of jobs has no tasks"
        ours = [job for job in listed if job.properties.scenario_name == scenario]
        assert ours, f"there is no job {scenario}"
        newest = max(ours, key=lambda job: job.properties.start_time)
        return self.client.replication_jobs.get(*self.at_vault, newest.name)

    def succeeded(self, scenario, tasks):
        """Checks that the newest job of a scenario did these tasks."""
        job = self.last_job(scenario).properties
        assert job.state == "Succeeded", (scenario, job.state, job.errors)
        names = [task.name for task in job.tasks]
        assert names == tasks, (scenario, names)
        assert job.end_time is not None and job.end_time >= job.start_time
        return job


def done(**said):
    """Says that everything went well."""
    print("done " + json.dumps(said), flush=True)
