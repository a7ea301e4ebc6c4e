#include "trusted/launcher/audit_log.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>

#include "trusted/launcher/operator_text.hpp"
#include "trusted/table/table.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

constexpr off_t kRotateBytes = off_t{16} << 20;
constexpr int kKeptFiles = 9;

std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text;
  std::array<char, 3> digits{};
  for (const unsigned char byte : bytes) {
    (void)std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

/// SHA-256 as hexadecimal digits; empty if the library fails.
std::string digest_of(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  return hexadecimal(std::span(digest).first(length));
}

std::string digest_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return digest_of(std::as_bytes(std::span(text.view())));
}

std::string json_string(std::string_view text) { return "\"" + json_text(text) + "\""; }

std::string now_utc() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> text{};
  (void)std::snprintf(text.data(), text.size(), "%s.%06ldZ", date.data(), static_cast<long>(micros % 1'000'000));
  return text.data();
}

/// Moves FILE to FILE.1 and what is there one further; the oldest goes.
void rotate(const fs::path& file) {
  const auto numbered = [&](int number) { return fs::path(file.string() + "." + std::to_string(number)); };
  std::error_code ignored;
  for (int number = kKeptFiles - 1; number >= 1; --number) fs::rename(numbered(number), numbered(number + 1), ignored);
  fs::rename(file, numbered(1), ignored);
}

}  // namespace

Result<Fd, sandbox::Problem> open_audit_file(const fs::path& file) {
  struct stat status {};
  if (lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= kRotateBytes) rotate(file);
  Fd opened(open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!opened) return sandbox::system_problem("cannot append to the audit log " + file.string());
  if (fstat(opened.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return sandbox::Problem{sandbox::ProblemKind::system, "the audit log " + file.string() + " is no ordinary file",
                            "name a file"};
  }
  return opened;
}

AuditLog::AuditLog(Fd file, const Plan& plan) : file_(std::move(file)), plan_(plan) {
  std::array<unsigned char, 8> random{};
  (void)!getrandom(random.data(), random.size(), 0);
  run_ = hexadecimal(random);
}

void AuditLog::write(std::string_view event, std::initializer_list<Field> fields) {
  if (!file_) return;
  std::string line = "{\"time\":\"" + now_utc() + "\",\"run\":\"" + run_ + "\",\"event\":" + json_string(event);
  for (const auto& [name, value] : fields) line += "," + json_string(name) + ":" + value;
  line += "}\n";
  // In one call, so that lines of runs that share the file do not mix. A full disk must not stop the run.
  (void)!::write(file_.get(), line.data(), line.size());
}

void AuditLog::run_started(const Identities& identities, const RunState& state) {
  if (!file_) return;
  const policy::Policy& policy = plan_.policy;
  write("run_started", {{"policy", json_string(fs::absolute(plan_.options.policy).string())},
                        {"policy_sha256", json_string(digest_of_file(plan_.options.policy))},
                        {"table_sha256", json_string(digest_of(table::encode(policy.table)))},
                        {"user", std::to_string(getuid())},
                        {"guard_user", std::to_string(identities.guard())}});
  for (std::size_t i = 0; i < policy.subjects.size(); ++i) {
    const policy::Subject& subject = policy.subjects[i];
    write("subject", {{"subject", json_string(subject.name)},
                      {"label", json_string(subject.label_text)},
                      {"ranks", std::to_string(subject.ranks)},
                      {"mpi", json_string(name_of(plan_.subjects[i].mpi))},
                      {"user", std::to_string(identities.subject(i))},
                      {"image", json_string(plan_.subjects[i].command.empty() ? "" : plan_.subjects[i].command[0])}});
  }
  for (const table::Flow& flow : policy.table.flows) {
    write("flow", {{"from", json_string(policy.subjects[flow.from].name)},
                   {"to", json_string(policy.subjects[flow.to].name)},
                   {"line", std::to_string(flow.policy_line)},
                   {"downgrade", json_string(flow.downgrade)}});
  }
  for (const std::string& relaxation : state.relaxations) write("relaxation", {{"what", json_string(relaxation)}});
}

void AuditLog::guard_event(const guard::Event& event) {
  const policy::Policy& policy = plan_.policy;
  const auto subject = [&] { return json_string(policy.subjects[event.subject].name); };
  const bool known = event.subject < policy.subjects.size();
  const std::string rank = event.rank == guard::kNoRank ? "null" : std::to_string(event.rank);
  if (event.kind == guard::EventKind::rank_up && known) {
    write("rank_up", {{"subject", subject()}, {"rank", rank}});
  } else if (event.kind == guard::EventKind::rank_ended && known) {
    write("rank_ended", {{"subject", subject()}, {"rank", rank}});
  } else if (event.kind == guard::EventKind::misbehaved && known) {
    write("refused",
          {{"subject", subject()}, {"rank", rank}, {"why", json_string(guard::describe(event.misbehaviour))}});
  } else if (event.kind == guard::EventKind::queue_full && event.flow < policy.table.flows.size()) {
    const table::Flow& flow = policy.table.flows[event.flow];
    write("queue_full", {{"from", json_string(policy.subjects[flow.from].name)},
                         {"to", json_string(policy.subjects[flow.to].name)},
                         {"queue", std::to_string(flow.queue_bytes)},
                         {"line", std::to_string(flow.policy_line)}});
  }
}

void AuditLog::subject_ended(std::size_t index, const SubjectState& subject) {
  write("subject_ended",
        {{"subject", json_string(plan_.policy.subjects[index].name)}, {"end", json_string(describe_end(subject))}});
}

void AuditLog::stopping() { write("stopping", {{"by", json_string("operator")}}); }

void AuditLog::guard_died() { write("guard_died", {}); }

void AuditLog::run_ended(const RunState& state) {
  if (!file_) return;
  std::string flows;
  for (std::size_t i = 0; i < state.flows.size(); ++i) {
    const table::Flow& flow = plan_.policy.table.flows[i];
    flows += std::string(i > 0 ? "," : "") + "{\"from\":" + json_string(plan_.policy.subjects[flow.from].name) +
             ",\"to\":" + json_string(plan_.policy.subjects[flow.to].name) +
             ",\"messages\":" + std::to_string(state.flows[i].messages) +
             ",\"bytes\":" + std::to_string(state.flows[i].bytes) + "}";
  }
  write("run_ended", {{"exit_code", std::to_string(exit_code(state))}, {"flows", "[" + flows + "]"}});
}

}  // namespace sluice::launcher
