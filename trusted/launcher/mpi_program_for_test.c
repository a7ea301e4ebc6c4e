/* Something that needs a host MPI's library, for host_mpi_test.cpp to look at. */
#include <mpi.h>

int sluice_probe(void) {
  int version = 0;
  int subversion = 0;
  return MPI_Get_version(&version, &subversion);
}
