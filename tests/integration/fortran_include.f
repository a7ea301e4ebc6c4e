C     Rank 0 (its own subject) sends up to rank 1: through mpif.h.
      program fincl
      implicit none
      include 'mpif.h'
      integer rank, ranks, error, i
      integer values(5000), stat(MPI_STATUS_SIZE)
      call MPI_INIT(error)
      call MPI_COMM_RANK(MPI_COMM_WORLD, rank, error)
      call MPI_COMM_SIZE(MPI_COMM_WORLD, ranks, error)
      if (ranks .ne. 2) then
        print *, 'FAILED: the world has', ranks, ' ranks'
        call MPI_ABORT(MPI_COMM_WORLD, 1, error)
      end if
      if (rank .eq. 0) then
        do 10 i = 1, 5000
          values(i) = 3 * i
   10   continue
        call MPI_SEND(values, 5000, MPI_INTEGER, 1, 7,
     &                MPI_COMM_WORLD, error)
        print *, 'PASSED sender'
      else
        call MPI_RECV(values, 5000, MPI_INTEGER, 0, 7,
     &                MPI_COMM_WORLD, stat, error)
        do 20 i = 1, 5000
          if (values(i) .ne. 3 * i) then
            print *, 'FAILED: item', i, ' is', values(i)
            call MPI_ABORT(MPI_COMM_WORLD, 1, error)
          end if
   20   continue
        print *, 'PASSED receiver'
      end if
      call MPI_FINALIZE(error)
      end
