// Cases of the conformance programs: how they are written, what they may ask about the run, and how they report.
//
// The program knows nothing of Sluice at compile time: on the bare host every rank may send to every other. Under
// `sluice run` it asks the library which flows there are, so that every rank knows, without a message, which calls of
// which other rank will be refused; nobody waits for a message that nobody may send.
#pragma once

#include <mpi.h>

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::conformance {

/// What a case does for a message `from` -> `to` over a link.
enum class Needs {
  one_way,  ///< a flow from the sender to the receiver is enough
  both,     ///< the receiver has to be able to send to the sender too
};

/// The message of one pair of ranks, as seen by one of the two.
struct Pair {
  int from;
  int to;
  int tag;        ///< this pair and its case alone use it, and tag + 1 to tag + 3
  bool sender;    ///< this rank is `from`
  bool both_way;  ///< the other direction has a flow as well
  [[nodiscard]] int other() const { return sender ? to : from; }
};

/// What the running case knows of itself. Cases run one after the other in the same order on all ranks.
class Case {
 public:
  int rank = -1;
  int size = 0;
  int tag = 0;                        ///< first of 64 tags that no other case uses
  MPI_Comm subject = MPI_COMM_WORLD;  ///< communicator of the own subject; the world on the bare host

  /// Whether rank `from` may send to rank `to`.
  [[nodiscard]] bool flow(int from, int to) const;
  /// Whether the two ranks may send to each other.
  [[nodiscard]] bool both(int a, int b) const { return flow(a, b) && flow(b, a); }
  /// Whether everybody may send to everybody.
  [[nodiscard]] bool all_both() const;
  /// Whether the world has one subject (as on the bare host).
  [[nodiscard]] bool one_subject() const;
  [[nodiscard]] int subject_of(int world_rank) const;

  /// Runs `body`; a refusal ends it and is reported as FUNCTION@label, and the case goes on.
  void attempt(const std::string& label, const std::function<void()>& body) const;

  /// Runs `body` for messages between neighbours in the ring of ranks, in both directions, on the two ranks that it
  /// concerns. Where there is no flow both run, to see their calls refused. Where `needs` is `both` and the flow goes
  /// one way only, the sender alone runs.
  void each_link(Needs needs, const std::function<void(const Pair&)>& body) const;

  /// Runs `body` with each root that is worth it: first rank, one in the middle, last.
  void each_root(const std::function<void(int root)>& body) const;
};

/// Ends a case whose call was refused.
struct Refused {
  std::string function;
  std::string text;
};

/// Ends a case that cannot go on; the failure is recorded already.
struct Stopped {};

/// Adds a case to the program. A case of `only_threads` runs only after MPI_Init_thread(MPI_THREAD_MULTIPLE).
struct Registration {
  Registration(const char* name, void (*body)(Case&), bool only_threads = false);
};

/// Records a failure of the running case. May be called from any thread.
void fail(const char* file, int line, const std::string& what);

/// Success, or throws: Refused for MPIX_ERR_FLOW, Stopped otherwise. `call` is the source text of the call.
void require(int code, const char* call, const char* file, int line);

/// The error class of `code` is `expected`, or fails; throws Refused for MPIX_ERR_FLOW unless that is expected.
void require_class(int expected, int code, const char* call, const char* file, int line);

/// For calls that look for what is not there: success, or MPIX_ERR_ENDED where the other side cannot be held back until
/// this one has looked. Returns whether it was success.
bool require_unless_ended(const Pair& pair, int code, const char* call, const char* file, int line);

/// MPIX_ERR_FLOW and MPIX_ERR_ENDED, or -1 on the bare host.
int flow_class();
int ended_class();

int class_of(int code);
std::string text_of(int code);

template <typename T>
std::string shown(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return "'" + std::string(std::string_view(value)) + "'";
  } else {
    return "(a handle)";
  }
}

template <typename A, typename B>
bool same(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, bool> &&
                !std::is_same_v<B, bool>) {
    return std::cmp_equal(a, b);
  } else {
    return a == b;
  }
}

template <typename A, typename B>
void check_equal(const A& a, const B& b, const char* expression, const char* file, int line) {
  if (!same(a, b)) fail(file, line, std::string(expression) + ": " + shown(a) + " and " + shown(b));
}

/// How many elements of `type` a status tells.
int count_of(const MPI_Status& status, MPI_Datatype type);

/// A status says: this source, tag and number of elements.
void check_status(const MPI_Status& status, int source, int tag, int count, MPI_Datatype type, const char* file,
                  int line);

/// A status is empty (MPI 3.1, section 3.7.3).
void check_empty(const MPI_Status& status, const char* file, int line);

/// A number that depends on all of its arguments.
inline int number(int a, int b = 0, int c = 0) { return 1 + a * 10007 + b * 101 + c * 13; }

/// Numbers that depend on `seed` and on their place.
std::vector<int> pattern(int seed, std::size_t count);

}  // namespace sluice::conformance

#define CASE(name)                                                                           \
  static void case_##name(::sluice::conformance::Case& c);                                   \
  static const ::sluice::conformance::Registration registration_##name(#name, &case_##name); \
  static void case_##name([[maybe_unused]] ::sluice::conformance::Case& c)

#define THREADS_CASE(name)                                                                         \
  static void case_##name(::sluice::conformance::Case& c);                                         \
  static const ::sluice::conformance::Registration registration_##name(#name, &case_##name, true); \
  static void case_##name([[maybe_unused]] ::sluice::conformance::Case& c)

/// The call succeeds; a refusal ends the case (or attempt, or link) and is reported.
#define CALL(...) ::sluice::conformance::require((__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
/// The call fails with this error class.
#define CALL_FAILS(error_class, ...) \
  ::sluice::conformance::require_class((error_class), (__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CALL_UNLESS_ENDED(pair, ...) \
  ::sluice::conformance::require_unless_ended((pair), (__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK(...)                                                                     \
  do {                                                                                 \
    if (!(__VA_ARGS__)) ::sluice::conformance::fail(__FILE__, __LINE__, #__VA_ARGS__); \
  } while (false)
#define CHECK_EQ(a, b) ::sluice::conformance::check_equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_STATUS(status, source, tag, count, type) \
  ::sluice::conformance::check_status((status), (source), (tag), (count), (type), __FILE__, __LINE__)
#define CHECK_EMPTY(status) ::sluice::conformance::check_empty((status), __FILE__, __LINE__)

/// MPICH 4.0 has the large-count functions, partitioned communication and sessions of MPI 4.0; Open MPI 4.1 has not.
#if MPI_VERSION >= 4
#define SLUICE_MPI4 1
#else
#define SLUICE_MPI4 0
#endif
