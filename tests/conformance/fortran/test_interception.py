"""Every call that a Fortran binding makes into its host's core is one that the library sees, or is listed here."""

import pathlib
import re
import subprocess

import pytest

LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")
BINDINGS = {
    "openmpi": ["libmpi_mpifh.so.40", "libmpi_usempi_ignore_tkr.so.40", "libmpi_usempif08.so.40"],
    "mpich": ["libmpichfort.so.12"],
}
CORE = {"openmpi": ["libmpi.so.40", "libopen-pal.so.40"], "mpich": ["libmpich.so.12"]}
TABLE = pathlib.Path(__file__).parents[3] / "untrusted" / "interpose" / "functions.table"

ATTRIBUTES = "attributes live on the genuine communicator; predefined ones: untrusted/interpose/communicator/fortran_attribute.cpp"
CREATION = "makes an object that has nothing to do with a communicator"
DATA = "data or text, no call that goes anywhere"
ERRORS = "wrong arguments that the binding itself finds, raised on the genuine communicator"

# What a binding may ask of the core directly, and why that is right.
PAST_THE_LIBRARY = {
    "openmpi": {
        r"ompi_attr_(create_keyval|get|set)_(aint|fint)": ATTRIBUTES,
        r"ompi_errhandler_create|ompi_datatype_match_size|ompi_registered_datareps": CREATION,
        r"ompi_errhandler_invoke|ompi_errcode_intern_lastused|ompi_errcodes_intern": ERRORS,
        r"ompi_mpi_errors_are_fatal_comm_handler": ERRORS,
        r"ompi_(mpi_(comm_world|datatype_null|errhandler_null|file_null|param_check|state)|request_null|status_empty)": DATA,
        r"mpi_conversion_fn_null_|mpi_fortran_\w+|ompi_fortran_(string|argv\w*|multiple_argvs)_\w*2\w": DATA,
        r"opal_(argv_free|class_init_epoch|class_initialize|list_item_t_class|uses_threads)": DATA,
    },
    "mpich": {
        r"MPII_(Comm|Type|Win)_(get|set)_attr|MPII_Keyval_set_proxy": ATTRIBUTES,
        r"MPII_Grequest_set_lang_f77": CREATION,
        r"MPI_(F08|F)_STATUS(ES)?_IGNORE|MPI_UNWEIGHTED|MPI_WEIGHTS_EMPTY|MPIR_F_\w+|MPIR_F08_\w+": DATA,
    },
}


def symbols(library: str, option: str) -> set:
    """Names of the dynamic symbols of a library, without versions."""
    text = subprocess.run(["nm", "-D", option, LIBRARIES / library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines()}


def table() -> set:
    """Functions that functions.table lists."""
    return {line.split()[0] for line in TABLE.read_text().splitlines() if line and not line.startswith("#")}


def asked_of_the_core(mpi: str) -> set:
    """What the bindings of a host take from its core."""
    core = set().union(*(symbols(library, "--defined-only") for library in CORE[mpi]))
    return core & set().union(*(symbols(library, "--undefined-only") for library in BINDINGS[mpi]))


def unexplained(mpi: str, names: set, functions: set, allowed: dict) -> list:
    """Those that are neither in the table nor listed as right."""
    known = {name for name in names if name.removeprefix("P") in functions}
    return sorted(name for name in names - known if not any(re.fullmatch(pattern, name) for pattern in allowed))


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_nothing_goes_past_the_library_unexplained(mpi):
    names = asked_of_the_core(mpi)
    assert len(names) > 300
    assert unexplained(mpi, names, table(), PAST_THE_LIBRARY[mpi]) == []


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_every_explanation_is_needed(mpi):
    names = asked_of_the_core(mpi)
    for pattern in PAST_THE_LIBRARY[mpi]:
        assert any(re.fullmatch(pattern, name) for name in names), f"nothing matches {pattern}"


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_a_call_that_the_table_lacks_would_be_noticed(mpi):
    names = asked_of_the_core(mpi)
    found = unexplained(mpi, names, table() - {"MPI_Send"}, PAST_THE_LIBRARY[mpi])
    assert set(found) and set(found) <= {"MPI_Send", "PMPI_Send"}
    assert unexplained(mpi, names | {"ompi_comm_split"}, table(), PAST_THE_LIBRARY[mpi]) == ["ompi_comm_split"]
