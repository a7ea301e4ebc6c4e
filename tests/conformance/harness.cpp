// usage: conformance [--list] [--threads] [--seconds N] [--without CASE,CASE...] [CASE,CASE...]
//
// Runs the cases, all by default (but those that --without names), on whatever ranks there are, and prints a line for
// each case on each rank:
//   CASE name ok
//   CASE name refused FUNCTION[@where] ...: text of the first
//   CASE name FAILED why
// --list prints the names and ends. --threads initialises with MPI_THREAD_MULTIPLE and adds the cases that need it.
// --seconds is the time for each case (20); one that takes longer is FAILED and ends the process.
#include "tests/conformance/harness.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <sstream>

namespace sluice::conformance {
namespace {

constexpr int kTagsPerCase = 64;

struct Entry {
  const char* name;
  void (*body)(Case&);
  bool only_threads;
};

std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

/// What the running case has reported so far.
struct Report {
  std::mutex mutex;
  std::string failure;
  int failures = 0;
  std::set<std::string> refused;
  std::string text;
};
Report report;
volatile const char* running = "start";
int own_rank = -1;

/// A function of the library, or null on the bare host.
template <typename Function>
Function* library_function(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

void record(const Refused& refused, const std::string& label) {
  const std::lock_guard lock(report.mutex);
  if (report.refused.empty()) report.text = refused.text.substr(0, refused.text.find('\n'));
  report.refused.insert(refused.function + (label.empty() ? "" : "@" + label));
}

/// "MPI_Send(&value, ..." is "MPI_Send".
std::string function_name(const char* call) {
  const std::string text = call;
  return text.substr(0, text.find_first_of("( "));
}

void die(const char* why) {
  static char line[256];
  const int length = std::snprintf(line, sizeof line, "CASE %s FAILED %s (rank %d)\n", const_cast<const char*>(running),
                                   why, own_rank);
  static_cast<void>(!::write(1, line, static_cast<std::size_t>(length)));
  ::_exit(9);
}

void watch() {
  std::signal(SIGALRM, [](int) { die("hangs"); });
  std::signal(SIGSEGV, [](int) { die("crashes: segmentation fault"); });
  std::signal(SIGBUS, [](int) { die("crashes: bus error"); });
  std::signal(SIGABRT, [](int) { die("crashes: abort"); });
  std::signal(SIGFPE, [](int) { die("crashes: arithmetic"); });
}

void print_verdict(const char* name) {
  std::string line = std::string("CASE ") + name;
  if (report.failures > 0) {
    line += " FAILED " + report.failure + " (rank " + std::to_string(own_rank);
    line += report.failures > 1 ? ", and " + std::to_string(report.failures - 1) + " more)" : ")";
  } else if (!report.refused.empty()) {
    line += " refused";
    for (const std::string& function : report.refused) line += " " + function;
    line += ": " + report.text;
  } else {
    line += " ok";
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += "\n";
  static_cast<void>(!::write(1, line.data(), line.size()));
}

void run_case(const Entry& entry, Case& c, unsigned seconds) {
  running = entry.name;
  report.failure.clear();
  report.failures = 0;
  report.refused.clear();
  ::alarm(seconds);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  if (c.subject != MPI_COMM_WORLD) MPI_Comm_set_errhandler(c.subject, MPI_ERRORS_RETURN);
  try {
    entry.body(c);
  } catch (const Refused& refused) {
    record(refused, "");
  } catch (const Stopped&) {
    // Recorded already.
  }
  ::alarm(0);
  print_verdict(entry.name);
}

struct Options {
  bool list = false;
  bool threads = false;
  unsigned seconds = 20;
  std::set<std::string> names;
  std::set<std::string> without;
};

void add_names(const char* text, std::set<std::string>& names) {
  std::istringstream list(text);
  for (std::string name; std::getline(list, name, ',');) names.insert(name);
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--list") == 0) {
      options.list = true;
    } else if (std::strcmp(argv[i], "--threads") == 0) {
      options.threads = true;
    } else if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
      options.seconds = static_cast<unsigned>(std::atoi(argv[++i]));
    } else if (std::strcmp(argv[i], "--without") == 0 && i + 1 < argc) {
      add_names(argv[++i], options.without);
    } else {
      add_names(argv[i], options.names);
    }
  }
  return options;
}

/// By the name alone, so that programs of hosts with different cases agree (FNV-1a).
int first_tag(const char* name) {
  std::uint32_t hash = 2166136261U;
  for (; *name != '\0'; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 16777619U;
  return kTagsPerCase * static_cast<int>(hash % 400000U);
}

/// Runs what is asked for; returns how many names are not known.
std::size_t run_cases(const Options& options, Case& c) {
  std::size_t found = 0;
  for (const Entry& entry : entries()) {
    c.tag = first_tag(entry.name);
    const bool wanted =
        options.names.empty() ? (options.threads || !entry.only_threads) : options.names.count(entry.name) != 0;
    if (!wanted || options.without.count(entry.name) != 0) continue;
    ++found;
    run_case(entry, c, options.seconds);
  }
  return options.names.empty() ? 0 : options.names.size() - found;
}

}  // namespace

Registration::Registration(const char* name, void (*body)(Case&), bool only_threads) {
  entries().push_back({name, body, only_threads});
}

int Case::subject_of(int world_rank) const {
  static auto* const find = library_function<int(int, int*)>("MPIX_Subject_of_rank");
  int result = 0;
  if (find == nullptr || find(world_rank, &result) != MPI_SUCCESS) return 0;
  return result;
}

bool Case::flow(int from, int to) const {
  static auto* const find = library_function<int(int, int, int*)>("MPIX_Flow_allowed");
  int result = 1;
  if (find == nullptr || find(subject_of(from), subject_of(to), &result) != MPI_SUCCESS) return true;
  return result != 0;
}

bool Case::all_both() const {
  for (int from = 0; from < size; ++from) {
    for (int to = 0; to < size; ++to) {
      if (!flow(from, to)) return false;
    }
  }
  return true;
}

bool Case::one_subject() const { return subject_of(0) == subject_of(size - 1); }

void Case::attempt(const std::string& label, const std::function<void()>& body) const {
  try {
    body();
  } catch (const Refused& refused) {
    record(refused, label);
  }
}

void Case::each_link(Needs needs, const std::function<void(const Pair&)>& body) const {
  const int links = size == 2 ? 1 : size;
  for (int i = 0; i < 2 * links && size > 1; ++i) {
    const int first = i / 2, second = (first + 1) % size;
    const Pair pair{i % 2 == 0 ? first : second, i % 2 == 0 ? second : first, tag + 4 * (i % 16),
                    rank == (i % 2 == 0 ? first : second), both(first, second)};
    if (rank != pair.from && rank != pair.to) continue;
    const bool forward = flow(pair.from, pair.to), backward = flow(pair.to, pair.from);
    if (!pair.sender && needs == Needs::both && forward && !backward) continue;
    attempt(forward ? (backward ? "both" : "forward") : (backward ? "backward" : "apart"), [&] { body(pair); });
  }
}

void Case::each_root(const std::function<void(int root)>& body) const {
  attempt("first", [&] { body(0); });
  if (size > 2) attempt("middle", [&] { body(size / 2); });
  if (size > 1) attempt("last", [&] { body(size - 1); });
}

void fail(const char* file, int line, const std::string& what) {
  const std::lock_guard lock(report.mutex);
  if (report.failures++ > 0) return;
  const char* slash = std::strrchr(file, '/');
  report.failure = std::string(slash == nullptr ? file : slash + 1) + ":" + std::to_string(line) + ": " + what;
}

int flow_class() {
  static auto* const find = library_function<int()>("MPIX_Err_flow");
  return find == nullptr ? -1 : find();
}

int ended_class() {
  static auto* const find = library_function<int()>("MPIX_Err_ended");
  return find == nullptr ? -1 : find();
}

int class_of(int code) {
  int result = -1;
  MPI_Error_class(code, &result);
  return result;
}

std::string text_of(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return text;
}

void require(int code, const char* call, const char* file, int line) {
  if (code == MPI_SUCCESS) return;
  const std::string name = function_name(call), text = text_of(code);
  if (class_of(code) == flow_class()) {
    // A call with a count of MPI_Count is refused under the name of the one without where the count fits.
    const std::string plain = name.ends_with("_c") ? name.substr(0, name.size() - 2) : name;
    if (text.find(plain) == std::string::npos) fail(file, line, name + " is refused as something else: " + text);
    throw Refused{name, text};
  }
  fail(file, line, name + " fails: class " + std::to_string(class_of(code)) + ", " + text);
  throw Stopped{};
}

void require_class(int expected, int code, const char* call, const char* file, int line) {
  const int found = class_of(code);
  if (found == expected) return;
  if (found == flow_class()) throw Refused{function_name(call), text_of(code)};
  fail(file, line,
       function_name(call) + " gives class " + std::to_string(found) + ", not " + std::to_string(expected) + ": " +
           text_of(code));
}

bool require_unless_ended(const Pair& pair, int code, const char* call, const char* file, int line) {
  if (!pair.both_way && code != MPI_SUCCESS && class_of(code) == ended_class()) return false;
  require(code, call, file, line);
  return true;
}

int count_of(const MPI_Status& status, MPI_Datatype type) {
  int count = -1;
  MPI_Get_count(&status, type, &count);
  return count;
}

void check_status(const MPI_Status& status, int source, int tag, int count, MPI_Datatype type, const char* file,
                  int line) {
  check_equal(status.MPI_SOURCE, source, "source of the status", file, line);
  check_equal(status.MPI_TAG, tag, "tag of the status", file, line);
  check_equal(count_of(status, type), count, "count of the status", file, line);
}

void check_empty(const MPI_Status& status, const char* file, int line) {
  int cancelled = -1;
  MPI_Test_cancelled(&status, &cancelled);
  check_equal(cancelled, 0, "an empty status is not cancelled", file, line);
  check_status(status, MPI_ANY_SOURCE, MPI_ANY_TAG, 0, MPI_BYTE, file, line);
}

std::vector<int> pattern(int seed, std::size_t count) {
  std::vector<int> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = number(seed, static_cast<int>(i % 100003));
  return numbers;
}

}  // namespace sluice::conformance

int main(int argc, char** argv) {
  using namespace sluice::conformance;
  const Options options = read_options(argc, argv);
  if (options.list) {
    for (const Entry& entry : entries()) {
      if (options.threads || !entry.only_threads) std::puts(entry.name);
    }
    return 0;
  }
  ::alarm(60);
  std::signal(SIGALRM, [](int) { ::_exit(9); });
  if (options.threads) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    if (provided != MPI_THREAD_MULTIPLE) std::puts("CASE init_thread FAILED no MPI_THREAD_MULTIPLE");
  } else {
    MPI_Init(&argc, &argv);
  }
  watch();
  Case c;
  MPI_Comm_rank(MPI_COMM_WORLD, &c.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &c.size);
  own_rank = c.rank;
  if (auto* const find = library_function<MPI_Comm()>("MPIX_Comm_subject"); find != nullptr) c.subject = find();
  const std::size_t unknown = run_cases(options, c);
  if (unknown != 0) std::printf("CASE names FAILED %zu names are not known\n", unknown);
  std::fflush(stdout);
  running = "MPI_Finalize";
  ::alarm(60);
  MPI_Finalize();
  return unknown == 0 ? 0 : 2;
}
