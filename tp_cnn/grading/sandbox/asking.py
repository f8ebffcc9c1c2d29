"""The checks as a kernel knows them: names, which ask the grader what to say of an answer.

In place of `tp_cnn.checks.lenet` a cell imports a module that has every name and no answer. What a
check says there decides what the cells below it run (`Check.use`), and no point of any mark.
"""

import sys
from importlib import abc, machinery
from types import ModuleType

CHECKS, ENGINE = "tp_cnn.checks.", "tp_cnn.checks.engine"
NESTED = "une vérification ne peut pas en appeler une autre"
NO_VERDICT = "vérification inconnue, réponse trop longue, ou trop de vérifications demandées"


class Asking:
    """The kernel's side of what is said about answers; imports PyTorch when it is first needed."""

    def __init__(self, channel, names: dict):
        self.channel, self.names = channel, names
        self.made = None
        self.busy = False

    @property
    def desk(self):
        if self.made is None:
            from tp_cnn.grading.sandbox.desk import Desk

            self.made = Desk(self.names, self.channel.ask_back)
        return self.made

    def work(self, request: dict) -> None:
        """Do what the grader asks for, and reply."""
        self.busy = True
        try:
            self.channel.send(self.desk.work(request))
        finally:
            self.busy = False

    def verdict(self, name: str, seed: int, answer: object) -> dict:
        """What the grader says of an answer; meanwhile it asks for what it needs to know."""
        if self.busy:
            raise RuntimeError(NESTED)
        told = self.desk.hold(answer)
        self.channel.send({"type": "check", "check": name, "seed": seed, "told": told})
        while request := self.channel.receive():
            if "ask" in request:
                self.work(request)
            elif request.get("verdict"):
                return request["verdict"]
            else:
                break
        raise RuntimeError(NO_VERDICT)


class Finder(abc.MetaPathFinder, abc.Loader):
    """Finds `tp_cnn.checks.…`, but for the engine, as modules that have every name."""

    def __init__(self, asking: Asking):
        self.asking = asking

    def find_spec(self, name, path=None, target=None):
        if name.startswith(CHECKS) and not name.startswith(ENGINE):
            return machinery.ModuleSpec(name, self, is_package=True)
        return None

    def exec_module(self, module: ModuleType) -> None:
        from tp_cnn.grading.sandbox.asked import Asked

        place = module.__name__.removeprefix(CHECKS)

        def named(name: str) -> Asked:
            if name.startswith("_"):
                raise AttributeError(name)
            check = Asked(f"{place}.{name}", self.asking.verdict)
            setattr(module, name, check)  # the same one next time: it knows what it has judged
            return check

        module.__getattr__ = named


def install(channel, names: dict) -> Asking:
    """Put `Finder` before what finds the real checks, where there are any."""
    asking = Asking(channel, names)
    sys.meta_path.insert(0, Finder(asking))
    return asking
