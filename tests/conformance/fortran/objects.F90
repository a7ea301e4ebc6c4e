! What lives behind handles, from Fortran: attributes and their callbacks, error handlers, generalized requests,
! user-defined operations, collectives in place, communicators and groups.
!
!   objects [TOPIC...]     default: all topics
#include "binding.inc"
#define ADDRESS integer(MPI_ADDRESS_KIND)

! Everything that the MPI library calls back, and what the callbacks saw.
module callbacks
  use, intrinsic :: iso_c_binding
  USE_MPI
  implicit none
  INCLUDE_MPI
  integer, save :: copies = 0, deletions = 0, errors_handled = 0, last_class = 0, queries = 0, releases = 0
  logical, save :: handled_world = .false.

contains

  ! The copy has one more than the original.
  subroutine copy_attribute(old, keyval, extra_state, value_in, value_out, flag, ierror)
    COMM :: old
    integer :: keyval, ierror
    ADDRESS :: extra_state, value_in, value_out
    logical :: flag
    copies = copies + 1
    value_out = value_in + 1
    flag = extra_state == 42
    ierror = MPI_SUCCESS
  end subroutine copy_attribute

  subroutine delete_attribute(comm, keyval, value, extra_state, ierror)
    COMM :: comm
    integer :: keyval, ierror
    ADDRESS :: value, extra_state
    deletions = deletions + 1
    ierror = MPI_SUCCESS
  end subroutine delete_attribute

  subroutine handle_error(comm, code)
    COMM :: comm
    integer :: code, ierror
    errors_handled = errors_handled + 1
    handled_world = comm == MPI_COMM_WORLD
    call MPI_Error_class(code, last_class, ierror)
  end subroutine handle_error

  ! Pairs (a, b) stand for x -> a x + b: first the left map, then the right one. Associative, not commutative.
  subroutine compose(left, right)
    integer, intent(in) :: left(:)
    integer, intent(inout) :: right(:)
    right(2::2) = right(1::2) * left(2::2) + right(2::2)
    right(1::2) = right(1::2) * left(1::2)
  end subroutine compose

#if BINDING == 2008
  subroutine compose_maps(invec, inoutvec, length, kind_of)
    type(c_ptr), value :: invec, inoutvec
    integer :: length
    DATATYPE :: kind_of
    integer, pointer :: left(:), right(:)
    call c_f_pointer(invec, left, (/ 2 * length /))
    call c_f_pointer(inoutvec, right, (/ 2 * length /))
    call compose(left, right)
  end subroutine compose_maps
#else
  subroutine compose_maps(left, right, length, kind_of)
    integer :: length, kind_of
    integer :: left(2 * length), right(2 * length)
    call compose(left, right)
  end subroutine compose_maps
#endif

  subroutine query_request(extra_state, answer, ierror)
    ADDRESS :: extra_state
    STATUS(answer)
    integer :: ierror
    queries = queries + 1
    call MPI_Status_set_elements(answer, MPI_INTEGER, int(extra_state), ierror)
    call MPI_Status_set_cancelled(answer, .false., ierror)
    SOURCE_OF(answer) = 3
    TAG_OF(answer) = 4
    ierror = MPI_SUCCESS
  end subroutine query_request

  subroutine release_request(extra_state, ierror)
    ADDRESS :: extra_state
    integer :: ierror
    releases = releases + 1
    ierror = MPI_SUCCESS
  end subroutine release_request

  subroutine cancel_request(extra_state, complete, ierror)
    ADDRESS :: extra_state
    logical :: complete
    integer :: ierror
    ierror = MPI_SUCCESS
  end subroutine cancel_request
end module callbacks

program objects
  USE_MPI
  use callbacks
  use checks
  implicit none
  integer :: rank, ranks, error

  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  own_rank = rank
  if (wanted('attributes')) call attributes()
  if (wanted('errors')) call errors()
  if (wanted('requests')) call requests()
  if (wanted('operations')) call operations()
  if (wanted('nonblocking')) call nonblocking()
  if (wanted('communicators')) call communicators()
  call finish()
  call MPI_Finalize(error)

contains

  subroutine attributes()
    integer :: keyval
    ADDRESS :: extra, value
    logical :: found
    COMM :: copy
    extra = 42
    call MPI_Comm_create_keyval(copy_attribute, delete_attribute, keyval, extra, error)
    value = 1000 + rank
    call MPI_Comm_set_attr(MPI_COMM_WORLD, keyval, value, error)
    value = 0
    call MPI_Comm_get_attr(MPI_COMM_WORLD, keyval, value, found, error)
    call check(found .and. value == 1000 + rank, 'attribute of the world')
    value = 7
    call MPI_Comm_set_attr(MPI_COMM_SELF, keyval, value, error)
    call MPI_Comm_dup(MPI_COMM_SELF, copy, error)
    call MPI_Comm_get_attr(copy, keyval, value, found, error)
    call check(found .and. value == 8 .and. copies == 1, 'copy callback')
    call MPI_Comm_free(copy, error)
    call check(deletions == 1, 'delete callback at MPI_Comm_free')
    call MPI_Comm_delete_attr(MPI_COMM_WORLD, keyval, error)
    call MPI_Comm_get_attr(MPI_COMM_WORLD, keyval, value, found, error)
    call check(.not. found .and. deletions == 2, 'MPI_Comm_delete_attr')
    call MPI_Comm_delete_attr(MPI_COMM_SELF, keyval, error)
    call MPI_Comm_free_keyval(keyval, error)
    call check(keyval == MPI_KEYVAL_INVALID, 'MPI_Comm_free_keyval')
    call predefined_attributes()
#if BINDING != 2008
    call first_attributes()
#endif
  end subroutine attributes

  subroutine predefined_attributes()
    ADDRESS :: value
    logical :: found
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, value, found, error)
    call check(found .and. value >= 32767, 'MPI_TAG_UB')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, value, found, error)
    call note(found)
    if (found) call check(value > 0, 'MPI_UNIVERSE_SIZE')
    call MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_WTIME_IS_GLOBAL, value, found, error)
    call check(found .and. (value == 0 .or. value == 1), 'MPI_WTIME_IS_GLOBAL')
  end subroutine predefined_attributes

#if BINDING != 2008
  ! The attribute calls of MPI-1, with values of INTEGER size.
  subroutine first_attributes()
    integer :: keyval, value
    logical :: found
    external :: MPI_NULL_COPY_FN, MPI_NULL_DELETE_FN
    call MPI_Keyval_create(MPI_NULL_COPY_FN, MPI_NULL_DELETE_FN, keyval, 0, error)
    call MPI_Attr_put(MPI_COMM_WORLD, keyval, -5, error)
    call MPI_Attr_get(MPI_COMM_WORLD, keyval, value, found, error)
    call check(found .and. value == -5, 'MPI_Attr_get')
    call MPI_Attr_delete(MPI_COMM_WORLD, keyval, error)
    call MPI_Attr_get(MPI_COMM_WORLD, MPI_TAG_UB, value, found, error)
    call check(found .and. value >= 32767, 'MPI_TAG_UB by MPI_Attr_get')
  end subroutine first_attributes
#endif

  subroutine errors()
    ERRHANDLER :: handler, before, now
    integer :: code, class_of_it, length
    character(MPI_MAX_ERROR_STRING) :: text
    call MPI_Comm_get_errhandler(MPI_COMM_WORLD, before, error)
    call check(before == MPI_ERRORS_ARE_FATAL, 'default error handler')
    call MPI_Comm_create_errhandler(handle_error, handler, error)
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler, error)
    call MPI_Errhandler_free(handler, error)
    call check(handler == MPI_ERRHANDLER_NULL, 'MPI_Errhandler_free')
    call MPI_Send(rank, 1, MPI_INTEGER, ranks + 5, 1, MPI_COMM_WORLD, code)
    call check(errors_handled == 1 .and. handled_world .and. last_class == MPI_ERR_RANK, 'own handler: wrong rank')
    call MPI_Error_class(code, class_of_it, error)
    call check(class_of_it == MPI_ERR_RANK, 'code that the call returns')
    call MPI_Comm_call_errhandler(MPI_COMM_WORLD, MPI_ERR_TAG, error)
    call check(errors_handled == 2 .and. last_class == MPI_ERR_TAG, 'MPI_Comm_call_errhandler')
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN, error)
    call MPI_Comm_get_errhandler(MPI_COMM_WORLD, now, error)
    call check(now == MPI_ERRORS_RETURN .and. errors_handled == 2, 'MPI_ERRORS_RETURN')
    call MPI_Recv(code, 1, MPI_INTEGER, -77, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE, code)
    call MPI_Error_class(code, class_of_it, error)
    call check(class_of_it == MPI_ERR_RANK, 'receive from a wrong rank')
    call MPI_Error_string(code, text, length, error)
    call check(length > 0 .and. len_trim(text) == length, 'MPI_Error_string')
    call MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL, error)
  end subroutine errors

  subroutine requests()
    REQUEST :: own, pending(3)
    ADDRESS :: extra
    STATUS(got)
    STATUSES(all_of_them, 3)
    integer :: count, value, peer
    logical :: done
    extra = 12
    call MPI_Grequest_start(query_request, release_request, cancel_request, extra, own, error)
    call MPI_Test(own, done, got, error)
    call check(.not. done, 'generalized request')
    call MPI_Grequest_complete(own, error)
    call MPI_Wait(own, got, error)
    call MPI_Get_count(got, MPI_INTEGER, count, error)
    call check(count == 12 .and. queries == 1 .and. releases == 1, 'callbacks of a generalized request')
    peer = mod(rank + ranks / 2, ranks)
    call MPI_Grequest_start(query_request, release_request, cancel_request, extra, pending(2), error)
    call MPI_Grequest_complete(pending(2), error)
    call MPI_Irecv(value, 1, MPI_INTEGER, peer, 9, MPI_COMM_WORLD, pending(1), error)
    call MPI_Isend(rank, 1, MPI_INTEGER, peer, 9, MPI_COMM_WORLD, pending(3), error)
    call MPI_Waitall(3, pending, all_of_them, error)
    call MPI_Get_count(STATUS_AT(all_of_them, 2), MPI_INTEGER, count, error)
    call check(value == peer .and. count == 12 .and. releases == 2, 'one among others')
    call check(TAG_IN(all_of_them, 1) == 9 .and. SOURCE_IN(all_of_them, 1) == peer, 'and the others')
  end subroutine requests

  subroutine operations()
    OPERATION :: composing
    integer :: mine(2), total(2), expected(2), all_ranks(0:63), i
    logical :: commutes
    call MPI_Op_create(compose_maps, .false., composing, error)
    mine = (/ 2, 3 /)
    total = (/ 5, 7 /)
    call MPI_Reduce_local(mine, total, 1, MPI_2INTEGER, composing, error)
    call check(all(total == (/ 10, 22 /)), 'MPI_Reduce_local')
    call MPI_Op_commutative(composing, commutes, error)
    call check(.not. commutes, 'MPI_Op_commutative')
    expected = (/ 1, 0 /)
    do i = 0, ranks - 1
      total = (/ 2, i + 1 /)
      call compose(expected, total)
      expected = total
    end do
    total = (/ 2, rank + 1 /)
    call MPI_Allreduce(MPI_IN_PLACE, total, 1, MPI_2INTEGER, composing, MPI_COMM_WORLD, error)
    call check(all(total == expected), 'MPI_Allreduce in place, by an own operation in the order of ranks')
    total = rank + 1
    if (rank == 0) then
      call MPI_Reduce(MPI_IN_PLACE, total, 2, MPI_INTEGER, MPI_SUM, 0, MPI_COMM_WORLD, error)
      call check(all(total == ranks * (ranks + 1) / 2), 'MPI_Reduce in place')
    else
      call MPI_Reduce(total, mine, 2, MPI_INTEGER, MPI_SUM, 0, MPI_COMM_WORLD, error)
    end if
    all_ranks = -1
    all_ranks(rank) = 7 * rank
    call MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all_ranks, 1, MPI_INTEGER, MPI_COMM_WORLD, error)
    call check(all(all_ranks(0:ranks - 1) == (/ (7 * i, i = 0, ranks - 1) /)), 'MPI_Allgather in place')
    total = rank
    call MPI_Bcast(total, 2, MPI_INTEGER, ranks - 1, MPI_COMM_WORLD, error)
    call check(all(total == ranks - 1), 'MPI_Bcast')
    call MPI_Barrier(MPI_COMM_WORLD, error)
    call MPI_Op_free(composing, error)
    call check(composing == MPI_OP_NULL, 'MPI_Op_free')
  end subroutine operations

  subroutine nonblocking()
    integer, asynchronous :: total(2), everything(0:63)
    REQUEST :: pending(2)
    integer :: i
    total = 1
    everything = 0
    everything(rank) = rank + 3
    call MPI_Iallreduce(MPI_IN_PLACE, total, 2, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, pending(1), error)
    call MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, everything, 1, MPI_INTEGER, MPI_COMM_WORLD, pending(2), &
                        error)
    call MPI_Waitall(2, pending, MPI_STATUSES_IGNORE, error)
    call check(all(total == ranks), 'MPI_Iallreduce in place')
    call check(all(everything(0:ranks - 1) == (/ (i + 3, i = 0, ranks - 1) /)), 'MPI_Iallgather in place')
  end subroutine nonblocking

  subroutine communicators()
    COMM :: copy, part, few
    GROUP :: everyone, ends
    integer :: answer, keyval, here, translated(2), left_rank
    ADDRESS :: extra, value
    logical :: found
    extra = 42
    copies = 0
    call MPI_Comm_create_keyval(copy_attribute, delete_attribute, keyval, extra, error)
    value = rank
    call MPI_Comm_set_attr(MPI_COMM_WORLD, keyval, value, error)
    call MPI_Comm_dup(MPI_COMM_WORLD, copy, error)
    call MPI_Comm_get_attr(copy, keyval, value, found, error)
    call check(found .and. value == rank + 1 .and. copies == 1, 'copy callback at MPI_Comm_dup of the world')
    call MPI_Comm_compare(MPI_COMM_WORLD, copy, answer, error)
    call check(answer == MPI_CONGRUENT, 'MPI_Comm_compare')
    call MPI_Comm_split(copy, mod(rank, 2), -rank, part, error)
    call MPI_Comm_size(part, answer, error)
    call check(answer == (ranks + 1 - mod(rank, 2)) / 2, 'size after MPI_Comm_split')
    call MPI_Comm_rank(part, here, error)
    call MPI_Comm_group(copy, everyone, error)
    call MPI_Group_incl(everyone, 2, (/ ranks - 1, 0 /), ends, error)
    call MPI_Group_translate_ranks(ends, 2, (/ 0, 1 /), everyone, translated, error)
    call check(all(translated == (/ ranks - 1, 0 /)), 'MPI_Group_translate_ranks')
    call MPI_Comm_create(copy, ends, few, error)
    if (rank == 0 .or. rank == ranks - 1) then
      call MPI_Comm_rank(few, here, error)
      call check(here == merge(1, 0, rank == 0), 'rank after MPI_Comm_create')
      call MPI_Sendrecv(rank, 1, MPI_INTEGER, 1 - here, 1, left_rank, 1, MPI_INTEGER, 1 - here, 1, few, &
                        MPI_STATUS_IGNORE, error)
      call check(left_rank == ranks - 1 - rank, 'message in the new communicator')
      call MPI_Comm_free(few, error)
    else
      call check(few == MPI_COMM_NULL, 'MPI_Comm_create elsewhere')
    end if
    call MPI_Group_free(ends, error)
    call MPI_Group_free(everyone, error)
    call MPI_Comm_free(part, error)
    deletions = 0
    call MPI_Comm_free(copy, error)
    call check(copy == MPI_COMM_NULL .and. deletions == 1, 'MPI_Comm_free')
    call MPI_Comm_delete_attr(MPI_COMM_WORLD, keyval, error)
    call MPI_Comm_free_keyval(keyval, error)
  end subroutine communicators
end program objects
