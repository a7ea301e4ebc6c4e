// usage: point_to_point both|up|large|ended
//   both: `left` and `right` may send to each other    up: only `left` may send
//   large: messages of more than 2^31 bytes            ended: `right` ends while `left` waits for it
#include "tests/integration/point_to_point.hpp"

#include <string>

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const std::string mode = argc > 1 ? argv[1] : "both";
  const Job job(&argc, &argv, mode == "large" ? 150 : 60);
  if (mode == "large") {
    large_counts(job);
  } else if (mode == "ended") {
    receiver_ends(job);
  } else {
    matched_probes(job);
    persistent_requests(job);
    completion_calls(job);
    derived_types(job);
    if (mode == "both") {
      synchronous_sends(job);
      sends_and_receives_in_one(job);
    }
  }
  return Job::finish();
}
