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

#ifdef __cplusplus
}
#endif

#endif
