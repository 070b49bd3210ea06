"""Who the workers are and which of them this process is: `TF_CONFIG`, read and checked."""

import json
import os
from typing import NamedTuple

import tensorflow as tf

KINDS = ("chief", "worker")
_FORM = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


class Worker(NamedTuple):
    """One of the processes that train together.

    Args:
        index: from 0; the worker of index 0 is the chief, which writes the files.
        count: how many there are.
    """

    index: int
    count: int


def worker_of(config: str | None = None) -> Worker:
    """This process among the workers, as `TF_CONFIG` says.

    Args:
        config: what stands in `TF_CONFIG`. None: the environment's; without it this process is alone.

    Returns:
        A `Worker`.

    Raises:
        ValueError: for a `TF_CONFIG` that is not as TensorFlow expects it; what is wrong with it is said.

    Example:

    >>> two = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 1}}'
    >>> ks.distribution.worker_of(two)
    Worker(index=1, count=2)
    """
    config = os.environ.get("TF_CONFIG", "") if config is None else config
    if not config.strip():
        return Worker(0, 1)
    content = _parsed(config)
    cluster, task = _part(content, "cluster"), _part(content, "task")
    addresses = {kind: _addresses(cluster, kind) for kind in cluster}
    ordered = [(kind, k) for kind in KINDS for k in range(len(addresses.get(kind, ())))]
    if len(addresses.get("chief", ())) > 1:
        raise ValueError(f"TF_CONFIG: expected one chief, received {addresses['chief']}")
    every = [address for some in addresses.values() for address in some]
    twice = sorted({address for address in every if every.count(address) > 1})
    if twice:
        raise ValueError(f"TF_CONFIG: each process needs an address of its own, {twice[0]!r} stands there twice")
    own = (task.get("type"), task.get("index"))
    if isinstance(own[1], bool) or own not in ordered:
        known = ", ".join(f"{kind} {k}" for kind, k in ordered)
        raise ValueError(f'TF_CONFIG: "task" is {own[0]!r} {own[1]!r}, the cluster has {known}')
    return Worker(ordered.index(own), len(ordered))


def _parsed(config):
    try:
        content = json.loads(config)
    except json.JSONDecodeError as error:
        raise ValueError(f"TF_CONFIG: expected JSON, {_FORM}; received {config!r} ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"TF_CONFIG: expected {_FORM}, received {config!r}")
    return content


def _part(content, name):
    if not isinstance(content.get(name), dict) or not content[name]:
        raise ValueError(f'TF_CONFIG: expected a dict "{name}", as in {_FORM}; received {content.get(name)!r}')
    return content[name]


def _addresses(cluster, kind):
    if kind not in KINDS:
        raise ValueError(f'TF_CONFIG: expected processes of the kinds {KINDS} in "cluster", received {kind!r}')
    some = cluster[kind]
    if not isinstance(some, list) or not some:
        raise ValueError(f'TF_CONFIG: expected a list of addresses "host:port" for {kind!r}, received {some!r}')
    for address in some:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise ValueError(f'TF_CONFIG: expected an address "host:port", received {address!r}')
    return some


def is_chief(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process is the one that writes files: it trains alone, or is the first of the workers.

    Args:
        strategy: a strategy; None: the one in whose scope this is called.

    Example:

    >>> ks.distribution.is_chief()
    True
    """
    resolver = (strategy or tf.distribute.get_strategy()).cluster_resolver
    if resolver is None or not resolver.cluster_spec() or resolver.task_type is None:
        return True
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return (resolver.task_type, resolver.task_id) == (first, 0)
