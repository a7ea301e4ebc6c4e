#!/usr/bin/python3
"""Generates docs/functions.md: every MPI function, and what it does in a run of several subjects.

  document.py --table functions.table --listing openmpi=FILE --listing mpich=FILE [--write PAGE | --check PAGE]

A listing is the functions.txt that generate.py wrote for one host MPI. Without --write or --check the page goes to
standard output. Exit code 0 when done, 1 when a function belongs to no family or the page is not up to date.
"""

import argparse
import collections
import pathlib
import re
import sys

HOST = "the host MPI's own"
BY_NAME = "refused by name"

Family = collections.namedtuple("Family", "title pattern inside two_way one_way")

# The first family whose pattern fits the whole name, without MPI_ or MPIX_ and without the _c of large counts. The
# three texts hold for functions that the library mediates; the others go by their class.
FAMILIES = [
    Family("Start and end", r"Init|Init_thread|Finalize|Initialized|Finalized|Abort|Query_thread|Is_thread_main|Pcontrol",
           "joins the run, or leaves it", "the same", "the same; a failure or an end is told upwards only"),
    Family("Sessions", r"Session_.*|Group_from_session_pset|.*_from_groups?", "refused where the run has several subjects",
           BY_NAME, BY_NAME),
    Family("Synchronous sends", r"I?ssend|Ssend_init", HOST, "complete when the receiver has matched the message",
           "refused by name: completion would tell the sender of the receiver"),
    Family("Sends", r"I?[br]?send|[BR]?[Ss]end_init", HOST, "complete when the message is in the transmit ring",
           "the same in the lower subject, whatever the receiver does; refused by name in the higher"),
    Family("Receives", r"I?recv|Recv_init|I?mrecv", HOST, "as in MPI",
           "as in MPI in the higher subject; refused by name in the lower, where MPI_ANY_SOURCE never means the higher"),
    Family("Sends and receives in one", r"I?sendrecv(_replace)?", HOST, "as in MPI",
           "needs both flows: refused by name before either half begins"),
    Family("Probes", r"(I?m|I)?probe", HOST, "as in MPI", "as a receive with the same arguments"),
    Family("Partitioned communication", r"P(send|recv)_init|Pready.*|Parrived", HOST, "as in MPI", "as sends and receives"),
    Family("Completion", r"Wait.*|Test(all|any|some)?|Test_cancelled|Request_.*|Cancel|Start|Startall",
           "as in MPI, over requests of all kinds", "the same", "the same; a send is never cancelled"),
    Family("Buffers for sends", r"Buffer_.*", HOST, "as in MPI",
           "as in MPI; the buffer is free when the transmit ring has the message"),
    Family("Collectives with neighbours", r"I?neighbor_.*", HOST, "as in MPI",
           "legal where each edge of the topology has a flow of its own; otherwise refused by name: on every rank, in a "
           "distributed graph on both ends of the edge"),
    Family("Collectives", r"I?(barrier|bcast|gatherv?|scatterv?|allgatherv?|alltoall[vw]?|reduce|allreduce|"
           r"reduce_scatter(_block)?|scan|exscan)(_init)?", HOST, "as in MPI",
           "legal where every rank that contributes has a flow, or a path of flows, to every rank that gets its data; "
           "otherwise refused by name on every rank"),
    Family("Reductions", r"Reduce_local|Op_.*", HOST, HOST, HOST),
    Family("What a communicator is", r"Comm_(rank|size|compare|test_inter|remote_.*|group|get_parent)", HOST,
           "over all its members", "over all its members: groups are known from the policy"),
    Family("Making communicators", r"Comm_(i?dup(_with_info)?|create|create_group|free|disconnect)", HOST, "as in MPI",
           "as in MPI: no message is needed, as members and context id follow from the arguments. MPI_Comm_create of an "
           "intercommunicator: the lower side chooses, the higher stays whole"),
    Family("Splitting communicators", r"Comm_split(_type)?", HOST, "as in MPI; split_type gives one for each subject",
           "one communicator for each colour and each set of subjects that flow both ways; of an intercommunicator refused "
           "by name"),
    Family("Intercommunicators", r"Intercomm_(create|merge)", HOST, "as in MPI, collectives included",
           "made upwards as in MPI, with the remote leader's whole subject; merging is refused by name"),
    Family("Processes and ports", r"Comm_(spawn.*|accept|connect|join)|(Open|Close)_port|(Publish|Unpublish|Lookup)_name",
           HOST, BY_NAME, BY_NAME),
    Family("Fault tolerance", r"Comm_(agree|failure_.*|revoke|shrink)", HOST, BY_NAME, BY_NAME),
    Family("Groups", r"Group_.*", HOST, "over run-wide ranks", "over run-wide ranks"),
    Family("Topologies", r"Cart.*|Graph.*|Dist_graph_.*|Topo_test|Dims_create", HOST,
           "as in MPI; ranks are not reordered",
           "as in MPI where it needs no data of other subjects; MPI_Dist_graph_create is refused by name"),
    Family("Attributes", r"(Comm|Type|Win)_((get|set|delete)_attr|(create|free)_keyval)|Attr_.*|Keyval_.*|.*(DUP|COPY|DELETE)_FN",
           HOST, "the own process's; the predefined ones tell of the run", "the same"),
    Family("Names, hints, error handlers",
           r"(Comm|Win|File|Type|Session)_((get|set)_(name|info|errhandler)|create_errhandler|call_errhandler)|Info_.*|"
           r"Errhandler_.*|Error_.*|(Add|Delete)_error_.*", HOST, "the own process's", "the own process's"),
    Family("One-sided", r"Win_.*|R?(put|get|accumulate|get_accumulate)|Fetch_and_op|Compare_and_swap", HOST, BY_NAME, BY_NAME),
    Family("Files", r"File_.*|Register_datarep|CONVERSION_FN_NULL", HOST, BY_NAME, BY_NAME),
    Family("Datatypes and packing", r"Type_.*|(Un)?[Pp]ack(_.*)?|Address|Aint_.*|Get_(address|count|elements(_x)?)|AINT_.*",
           HOST, HOST, HOST),
    Family("Tool interface", r"T_.*", HOST, HOST, HOST),
    Family("Status, handles, time, memory", r"Status_.*|.*_(c2f|f2c)|Wtime|Wtick|WTI.*|(Alloc|Free)_mem|Get_(version|"
           r"library_version|processor_name)|Grequest_.*|(Query|GPU)_.*", HOST, HOST, HOST),
]

HEAD = """# MPI functions

<!-- Generated by untrusted/interpose/document.py from untrusted/interpose/functions.table. Do not edit. -->

Every function that Open MPI 4.1 or MPICH 4.0 exports, and what it does in a run of several subjects. *Inside* means on
a communicator, group, window or file whose processes all belong to the calling process's subject; *two-way* on a
communicator over subjects between which messages may flow in both directions; *one-way* where some pair of its subjects
has a flow in one direction only, or none. `scripts/test` fails when a host MPI exports a function that is not listed.

A refusal raises `MPIX_ERR_FLOW` through the communicator's error handler before any data moves, and names the function,
both labels, the policy's line and a way out.

"""


def stem(name):
    """MPIX_Bcast_init and MPI_Send_c become Bcast_init and Send."""
    return re.sub(r"^MPIX?_", "", name).removesuffix("_c")


def family_of(name):
    """The family of a function, or None."""
    flags = re.IGNORECASE
    return next((f for f in FAMILIES if re.fullmatch(f.pattern, stem(name), flags)), None)


def read_table(path):
    """{name: class}; generate.py has checked the table."""
    rows = (line.split("#", 1)[0].split() for line in path.read_text().splitlines())
    return {row[0]: row[1] for row in rows if row}


def behaviour(family, kind):
    """The three texts for functions of one class."""
    if kind == "local":
        return HOST, HOST, HOST
    if kind == "refused":
        return HOST, BY_NAME, BY_NAME
    return family.inside, family.two_way, family.one_way


def shown(name, exports):
    """The name as the page shows it: with the host MPI that alone has it."""
    hosts = [host for host, names in exports.items() if name in names]
    return f"`{name}`" + (f" ({hosts[0]})" if len(hosts) == 1 else "")


def page(table, exports):
    """The text of the page, and the functions that belong to no family."""
    members = collections.defaultdict(list)
    homeless = []
    for name in sorted(table):
        family = family_of(name)
        if family is None:
            homeless.append(name)
        else:
            members[family, table[name]].append(name)
    counts = collections.Counter(table.values())
    text = HEAD + (f"{len(table)} functions: {counts['mediated']} mediated, {counts['refused']} refused where a "
                   f"communicator spans subjects, {counts['local']} left to the host MPI.\n")
    for family in FAMILIES:
        kinds = [kind for kind in ("mediated", "refused", "local") if members[family, kind]]
        if not kinds:
            continue
        text += f"\n## {family.title}\n\n| Class | Inside | Two-way | One-way |\n|---|---|---|---|\n"
        for kind in kinds:
            text += f"| {kind} | " + " | ".join(behaviour(family, kind)) + " |\n"
        for kind in kinds:
            names = ", ".join(shown(name, exports) for name in members[family, kind])
            text += f"\n{kind.capitalize()}: {names}\n"
    return text, homeless


def main():
    """Parses the command line and writes or compares the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=pathlib.Path, required=True)
    parser.add_argument("--listing", action="append", default=[], help="HOST=FILE", metavar="HOST=FILE")
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path)
    options = parser.parse_args()
    titles = {"openmpi": "Open MPI", "mpich": "MPICH"}
    exports = {}
    for listing in options.listing:
        host, path = listing.split("=", 1)
        exports[titles[host]] = {line.split()[0] for line in pathlib.Path(path).read_text().splitlines()}
    text, homeless = page(read_table(options.table), exports)
    if homeless:
        print("these functions belong to no family of document.py: " + " ".join(homeless), file=sys.stderr)
        return 1
    if options.write:
        options.write.write_text(text)
    elif options.check is None:
        print(text, end="")
    elif not options.check.is_file() or options.check.read_text() != text:
        print(f"{options.check} is not up to date: run document.py with --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
