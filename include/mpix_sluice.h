/* Sluice's extension of MPI: which subjects take part in the run, and what may flow between them.
 *
 * A program that includes this header and links libsluice-openmpi or libsluice-mpich (before the host MPI) runs
 * under `sluice run` as one subject of a run, and under plain mpiexec as the only subject of its own run.
 * All calls return MPI_SUCCESS or an MPI error class and may be used between MPI_Init and MPI_Finalize.
 */
#ifndef MPIX_SLUICE_H
#define MPIX_SLUICE_H

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MPIX_SLUICE_VERSION 1

/* Longest subject name and label, with the terminating zero. */
#define MPIX_MAX_SUBJECT_NAME 64
#define MPIX_MAX_SUBJECT_LABEL 256

/* Error class of a call that the policy or the confinement of subjects forbids: raised before any data moves,
 * through the communicator's error handler. MPI_Error_string gives both labels, the policy line and a hint. */
int MPIX_Err_flow(void);
#define MPIX_ERR_FLOW (MPIX_Err_flow())

/* Error class of a receive that nothing can complete any more: the source's subject has ended and all its messages
 * have been received. */
int MPIX_Err_ended(void);
#define MPIX_ERR_ENDED (MPIX_Err_ended())

/* Error class of a receive whose message was lost because the queue had no room for it (`when_full: drop` in the
 * policy). The receive that would have taken the message fails in its place, with source and tag in the status and no
 * data; a message is lost as a whole or not at all, and the order of the others is kept. MPI_Probe finds a lost message
 * as one of length 0. */
int MPIX_Err_missed(void);
#define MPIX_ERR_MISSED (MPIX_Err_missed())

/* What this process has missed of a rank of MPI_COMM_WORLD, in all and so far: how many messages, and their bytes
 * together. Counts a message once this process has come upon the loss, which is no later than the receive that fails.
 * Messages of collective operations count too. Either pointer may be NULL. */
int MPIX_Missed(int world_rank, long long* messages, long long* bytes);

/* Communicator of the calling process's own subject: a genuine communicator of the host MPI. Equal to
 * MPI_COMM_WORLD in a run of one subject (Brightwell et al. 1997, section on MPI_COMM_SUBJECT). */
MPI_Comm MPIX_Comm_subject(void);
#define MPI_COMM_SUBJECT (MPIX_Comm_subject())

/* The same as a Fortran handle: for a `bind(C)` interface (docs/fortran.md). */
MPI_Fint MPIX_Comm_subject_c2f(void);

/* How many subjects the run has. */
int MPIX_Subject_count(int* count);

/* Index of the calling process's subject, from 0, in the order of the policy. */
int MPIX_Subject_mine(int* subject);

/* Subject of a rank of MPI_COMM_WORLD. */
int MPIX_Subject_of_rank(int world_rank, int* subject);

/* First world rank and number of ranks of a subject. Either pointer may be NULL. */
int MPIX_Subject_ranks(int subject, int* first_rank, int* rank_count);

/* Name of a subject; `name` has room for MPIX_MAX_SUBJECT_NAME bytes. */
int MPIX_Subject_name(int subject, char* name);

/* Label of a subject, as in SECRET//IMG; `label` has room for MPIX_MAX_SUBJECT_LABEL bytes. */
int MPIX_Subject_label(int subject, char* label);

/* Sets *allowed to 1 if the policy lets `from` send to `to` (1 too where both are the same subject), else 0. */
int MPIX_Flow_allowed(int from, int to, int* allowed);

/* Kinds of collective operations (MPI 3.1, chapter 5), by who contributes to whose result. Blocking, nonblocking and
 * persistent forms are alike. */
#define MPIX_COLLECTIVES_FROM_ROOT 1 /* Bcast, Scatter, Scatterv */
#define MPIX_COLLECTIVES_TO_ROOT 2   /* Reduce, Gather, Gatherv */
#define MPIX_COLLECTIVES_ASCENDING 4 /* Scan, Exscan: lower ranks to higher ones */
#define MPIX_COLLECTIVES_ALL 8       /* Barrier, Allreduce, Allgather(v), Alltoall(v,w), Reduce_scatter(_block) */
#define MPIX_COLLECTIVES_NEIGHBOR 16 /* Neighbor_allgather(v), Neighbor_alltoall(v,w) on the topology */

/* Sets *legal to the kinds that the policy lets `comm` carry with this root, or-ed together: a collective of another
 * kind raises MPIX_ERR_FLOW. `root`: a rank of `comm`; for an intercommunicator what its collectives take, a rank of
 * the remote group, MPI_ROOT or MPI_PROC_NULL. Only the first two kinds depend on it. The answer follows from the
 * policy alone: no communication, and the same at every member; but in a distributed graph each member answers for its
 * own edges. On a communicator inside a subject everything is legal.
 * Returns MPI_ERR_COMM, MPI_ERR_ROOT or MPI_ERR_ARG for wrong arguments, without calling an error handler. */
int MPIX_Comm_collectives(MPI_Comm comm, int root, int* legal);

/* Security-context communicators: of all ranks of some subjects, in the order of MPI_COMM_WORLD.
 *
 * Collective over each chosen subject by itself: all its processes call, in the same order as other calls that make
 * communicators. Nothing passes between subjects and none waits for another, which need not call at the same time or
 * at all; the processes of a subject wait for each other. A process that is not chosen gets MPI_COMM_NULL at once and
 * need not call. The nth call in one subject for the same set of subjects, whichever of the two calls it is and however
 * the set is described, gives the same communicator as the nth in each other subject of the set. What it carries is
 * what the policy allows between its members: see MPIX_Comm_collectives. It inherits the error handler of
 * MPI_COMM_WORLD and no attributes, and is freed by MPI_Comm_free.
 *
 * Returns MPI_ERR_ARG, without calling an error handler and with MPI_COMM_NULL, for a name that no subject of the run
 * has, a name that is there twice, a label that the policy's lattice does not have, and null pointers. */

/* The subjects with these `count` names, in any order. */
int MPIX_Comm_create_from_subjects(int count, const char* const names[], MPI_Comm* newcomm);

/* The subjects whose labels dominate `lowest` and are dominated by `highest`, as in "SECRET" and "TOP_SECRET//IMG/NUC".
 * Either may be NULL: no bound on that side. */
int MPIX_Comm_create_from_labels(const char* lowest, const char* highest, MPI_Comm* newcomm);

#ifdef __cplusplus
}
#endif

#endif
