// What a program may ask of MPI: predefined attributes, the environment, info objects, the tool interface, sessions.
#include <algorithm>
#include <array>
#include <cstring>

#include "tests/conformance/communicators.hpp"

#if SLUICE_MPI4 == 0
#include <mpi-ext.h>
#endif

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

/// Value of a predefined attribute, or null.
int* attribute(int keyval) {
  int* value = nullptr;
  int found = 0;
  CALL(MPI_Comm_get_attr(kWorld, keyval, &value, &found));
  return found != 0 ? value : nullptr;
}

CASE(predefined_attributes) {
  const int* tag = attribute(MPI_TAG_UB);
  CHECK(tag != nullptr && *tag >= 32767);
  const int* io = attribute(MPI_IO);
  CHECK(io != nullptr && (*io == MPI_ANY_SOURCE || *io == MPI_PROC_NULL || (*io >= 0 && *io < c.size)));
  const int* host = attribute(MPI_HOST);
  CHECK(host != nullptr && (*host == MPI_PROC_NULL || (*host >= 0 && *host < c.size)));
  const int* wtime = attribute(MPI_WTIME_IS_GLOBAL);
  CHECK(wtime == nullptr || *wtime == 0 || *wtime == 1);
  const int* universe = attribute(MPI_UNIVERSE_SIZE);
  CHECK(universe == nullptr || *universe > 0);
  const int* number_of_program = attribute(MPI_APPNUM);
  CHECK(number_of_program == nullptr || *number_of_program == c.subject_of(c.rank));
}

CASE(environment) {
  int flag = 0, length = 0, version = 0, minor = 0, level = -1;
  CALL(MPI_Initialized(&flag));
  CHECK(flag != 0);
  CALL(MPI_Finalized(&flag));
  CHECK_EQ(flag, 0);
  CALL(MPI_Is_thread_main(&flag));
  CHECK(flag != 0);
  CALL(MPI_Query_thread(&level));
  CHECK(level >= MPI_THREAD_SINGLE && level <= MPI_THREAD_MULTIPLE);
  CALL(MPI_Get_version(&version, &minor));
  CHECK(version == MPI_VERSION && minor == MPI_SUBVERSION);
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  CALL(MPI_Get_library_version(text.data(), &length));
  CHECK(length > 0 && text[0] != '\0');
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  CALL(MPI_Get_processor_name(name.data(), &length));
  CHECK_EQ(length, std::strlen(name.data()));
  const double before = MPI_Wtime();
  CHECK(MPI_Wtick() > 0 && MPI_Wtime() >= before);
  MPI_Comm parent = kWorld;
  CALL(MPI_Comm_get_parent(&parent));
  CHECK(parent == MPI_COMM_NULL);
  CALL(MPI_Pcontrol(1));
}

CASE(memory) {
  void* memory = nullptr;
  CALL(MPI_Alloc_mem(4096, MPI_INFO_NULL, &memory));
  CHECK(memory != nullptr);
  std::memset(memory, 1, 4096);
  CALL(MPI_Free_mem(memory));
  int values[2];
  MPI_Aint first = 0, second = 0;
  CALL(MPI_Get_address(&values[0], &first));
  CALL(MPI_Get_address(&values[1], &second));
  CHECK_EQ(MPI_Aint_diff(second, first), 4);
  CHECK_EQ(MPI_Aint_add(first, 4), second);
}

CASE(info_objects) {
  MPI_Info info, copy;
  int flag = 0, length = 0, keys = 0;
  std::array<char, MPI_MAX_INFO_KEY> key{};
  std::array<char, 64> value{};
  CALL(MPI_Info_create(&info));
  CALL(MPI_Info_set(info, "colour", "blue"));
  CALL(MPI_Info_set(info, "size", "7"));
  CALL(MPI_Info_get_nkeys(info, &keys));
  CHECK_EQ(keys, 2);
  CALL(MPI_Info_get_nthkey(info, 0, key.data()));
  CHECK(std::strcmp(key.data(), "colour") == 0 || std::strcmp(key.data(), "size") == 0);
  CALL(MPI_Info_get_valuelen(info, "colour", &length, &flag));
  CHECK(flag != 0 && length == 4);
  CALL(MPI_Info_get(info, "colour", 63, value.data(), &flag));
  CHECK(flag != 0 && std::strcmp(value.data(), "blue") == 0);
  CALL(MPI_Info_dup(info, &copy));
  CALL(MPI_Info_delete(info, "colour"));
  CALL(MPI_Info_get(info, "colour", 63, value.data(), &flag));
  CHECK_EQ(flag, 0);
  CALL(MPI_Info_get(copy, "colour", 63, value.data(), &flag));
  CHECK(flag != 0);
  CHECK(MPI_Info_f2c(MPI_Info_c2f(copy)) == copy);
  CALL(MPI_Info_free(&info));
  CALL(MPI_Info_free(&copy));
#if SLUICE_MPI4
  CALL(MPI_Info_create_env(0, nullptr, &info));
  int room = 64;
  CALL(MPI_Info_get_string(info, "no such key", &room, value.data(), &flag));
  CHECK_EQ(flag, 0);
  CALL(MPI_Info_free(&info));
#endif
}

CASE(accelerators) {
#if SLUICE_MPI4
  int supported = -1;
  CALL(MPIX_GPU_query_support(MPIX_GPU_SUPPORT_CUDA, &supported));
  CHECK_EQ(supported, MPIX_Query_cuda_support());
  CHECK(MPIX_Query_ze_support() == 0 || MPIX_Query_ze_support() == 1);
  CHECK(MPIX_Query_hip_support() == 0 || MPIX_Query_hip_support() == 1);
#else
  CHECK(MPIX_Query_cuda_support() == 0 || MPIX_Query_cuda_support() == 1);
#endif
}

/// Ports and names of services belong to the own job.
CASE(ports_and_services) {
  std::array<char, MPI_MAX_PORT_NAME> port{};
  const int code = MPI_Open_port(MPI_INFO_NULL, port.data());
  if (code == MPI_SUCCESS) {
    CHECK(port[0] != '\0');
    CALL(MPI_Close_port(port.data()));
  }
  // A host without a server of names says so; what is published can be taken back.
  std::array<char, MPI_MAX_PORT_NAME> nowhere{"nowhere"};
  const std::string service = "conformance " + std::to_string(c.rank);
  if (MPI_Publish_name(service.c_str(), MPI_INFO_NULL, nowhere.data()) == MPI_SUCCESS) {
    CALL(MPI_Unpublish_name(service.c_str(), MPI_INFO_NULL, nowhere.data()));
  }
  std::array<char, MPI_MAX_PORT_NAME> found{};
  CHECK(MPI_Lookup_name("no such service", MPI_INFO_NULL, found.data()) != MPI_SUCCESS);
}

#if SLUICE_MPI4
int session_errors = 0;
void count_session_error(MPI_Session*, int*, ...) { ++session_errors; }

CASE(session_of_the_world) {
  MPI_Session session = MPI_SESSION_NULL;
  CALL(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
  int sets = 0, length = 64;
  std::array<char, 64> name{};
  CALL(MPI_Session_get_num_psets(session, MPI_INFO_NULL, &sets));
  CHECK(sets >= 2);
  CALL(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, 0, &length, name.data()));
  MPI_Info info;
  CALL(MPI_Session_get_pset_info(session, "mpi://WORLD", &info));
  CALL(MPI_Info_free(&info));
  CALL(MPI_Session_get_info(session, &info));
  CALL(MPI_Info_free(&info));
  MPI_Errhandler handler;
  CALL(MPI_Session_get_errhandler(session, &handler));
  session_errors = 0;
  CALL(MPI_Session_create_errhandler(count_session_error, &handler));
  CALL(MPI_Session_set_errhandler(session, handler));
  CALL(MPI_Session_call_errhandler(session, MPI_ERR_OTHER));
  CHECK_EQ(session_errors, 1);
  CALL(MPI_Errhandler_free(&handler));
  MPI_Group group;
  MPI_Comm comm;
  CALL(MPI_Group_from_session_pset(session, "mpi://WORLD", &group));
  int size = 0;
  CALL(MPI_Group_size(group, &size));
  CHECK_EQ(size, c.size);
  CALL(MPI_Comm_create_from_group(group, "conformance", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
  check_allreduce(comm);
  CALL(MPI_Comm_free(&comm));
  // Between its two halves.
  const int half = c.size / 2;
  int low[1][3] = {{0, half - 1, 1}}, high[1][3] = {{half, c.size - 1, 1}};
  MPI_Group mine, theirs;
  CALL(MPI_Group_range_incl(group, 1, c.rank < half ? low : high, &mine));
  CALL(MPI_Group_range_incl(group, 1, c.rank < half ? high : low, &theirs));
  CALL(MPI_Intercomm_create_from_groups(mine, 0, theirs, 0, "halves", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
  int remote = 0;
  CALL(MPI_Comm_remote_size(comm, &remote));
  CHECK_EQ(remote, c.rank < half ? c.size - half : half);
  CALL(MPI_Comm_free(&comm));
  for (MPI_Group* each : {&group, &mine, &theirs}) CALL(MPI_Group_free(each));
  CALL(MPI_Session_finalize(&session));
  CHECK(session == MPI_SESSION_NULL);
}
#endif

// --- The tool interface (MPI 3.1, chapter 14): untouched by the library ------------------------------------------

bool tool_in_use = false;

/// Once in a process: MPICH 4.0.2 forgets its variables when the interface is finalised, and crashes afterwards.
void use_tool() {
  if (tool_in_use) return;
  int provided = -1, level = -1;
  CALL(MPI_Query_thread(&level));
  // Open MPI 4.1.4 takes what is asked for here for the level of MPI itself.
  CALL(MPI_T_init_thread(level, &provided));
  tool_in_use = true;
}

constexpr int kTextBytes = 512;

CASE(tool_control_variables) {
  use_tool();
  int count = 0, read = 0;
  CALL(MPI_T_cvar_get_num(&count));
  CHECK(count > 0);
  for (int i = 0; i < count; ++i) {
    std::array<char, kTextBytes> name{}, text{};
    int name_bytes = kTextBytes, text_bytes = kTextBytes, verbosity = 0, bind = 0, scope = 0, index = -1, items = 0;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_T_enum values = MPI_T_ENUM_NULL;
    if (MPI_T_cvar_get_info(i, name.data(), &name_bytes, &verbosity, &type, &values, text.data(), &text_bytes, &bind,
                            &scope) != MPI_SUCCESS) {
      continue;  // one that a component took with it
    }
    CALL(MPI_T_cvar_get_index(name.data(), &index));
    if (values != MPI_T_ENUM_NULL) {
      int value = 0;
      name_bytes = text_bytes = kTextBytes;
      CALL(MPI_T_enum_get_info(values, &items, text.data(), &text_bytes));
      if (items > 0) CALL(MPI_T_enum_get_item(values, 0, &value, name.data(), &name_bytes));
    }
    if (bind != MPI_T_BIND_NO_OBJECT || type != MPI_INT) continue;
    MPI_T_cvar_handle handle;
    int elements = 0;
    std::array<int, 64> value{};
    CALL(MPI_T_cvar_handle_alloc(i, nullptr, &handle, &elements));
    if (elements == 1 && read < 20) {
      CALL(MPI_T_cvar_read(handle, value.data()));
      ++read;
      // Writing what it is changes nothing; it may be refused.
      if (scope == MPI_T_SCOPE_ALL || scope == MPI_T_SCOPE_LOCAL) MPI_T_cvar_write(handle, value.data());
    }
    CALL(MPI_T_cvar_handle_free(&handle));
  }
  CHECK(read > 0);
}

CASE(tool_performance_variables) {
  use_tool();
  int count = -1;
  MPI_T_pvar_session session;
  CALL(MPI_T_pvar_get_num(&count));
  CHECK(count >= 0);
  CALL(MPI_T_pvar_session_create(&session));
  for (int i = 0; i < count; ++i) {
    std::array<char, kTextBytes> name{}, text{};
    int name_bytes = kTextBytes, text_bytes = kTextBytes, verbosity = 0, bind = 0, kind = 0, index = -1;
    int read_only = 0, continuous = 0, atomic = 0, elements = 0;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_T_enum values = MPI_T_ENUM_NULL;
    if (MPI_T_pvar_get_info(i, name.data(), &name_bytes, &verbosity, &kind, &type, &values, text.data(), &text_bytes,
                            &bind, &read_only, &continuous, &atomic) != MPI_SUCCESS) {
      continue;
    }
    CALL(MPI_T_pvar_get_index(name.data(), kind, &index));
    // Open MPI 4.1.4 crashes on those of a network that is not there.
    if (bind != MPI_T_BIND_NO_OBJECT || std::strstr(name.data(), "psm2") != nullptr) continue;
    MPI_T_pvar_handle handle;
    std::array<char, 8192> value{};
    CALL(MPI_T_pvar_handle_alloc(session, i, nullptr, &handle, &elements));
    if (elements <= 64) {
      if (continuous == 0) CALL(MPI_T_pvar_start(session, handle));
      CALL(MPI_T_pvar_read(session, handle, value.data()));
      if (read_only == 0) {
        // What a host does not let be set it refuses; nothing else may go wrong.
        MPI_T_pvar_reset(session, handle);
        MPI_T_pvar_readreset(session, handle, value.data());
        MPI_T_pvar_write(session, handle, value.data());
      }
      if (continuous == 0) CALL(MPI_T_pvar_stop(session, handle));
    }
    CALL(MPI_T_pvar_handle_free(session, &handle));
  }
  CALL(MPI_T_pvar_session_free(&session));
}

CASE(tool_categories) {
  use_tool();
  int count = -1, changed = -1;
  CALL(MPI_T_category_get_num(&count));
  CALL(MPI_T_category_changed(&changed));
  CHECK(count >= 0);
  for (int i = 0; i < count && i < 40; ++i) {
    std::array<char, kTextBytes> name{}, text{};
    int name_bytes = kTextBytes, text_bytes = kTextBytes, controls = 0, performances = 0, categories = 0, index = -1;
    if (MPI_T_category_get_info(i, name.data(), &name_bytes, text.data(), &text_bytes, &controls, &performances,
                                &categories) != MPI_SUCCESS) {
      continue;
    }
    CALL(MPI_T_category_get_index(name.data(), &index));
    std::vector<int> indices(static_cast<std::size_t>(std::max({controls, performances, categories, 1})));
    if (controls > 0) CALL(MPI_T_category_get_cvars(i, controls, indices.data()));
    if (performances > 0) CALL(MPI_T_category_get_pvars(i, performances, indices.data()));
    if (categories > 0) CALL(MPI_T_category_get_categories(i, categories, indices.data()));
  }
}

#if SLUICE_MPI4
/// MPICH 4.0 has no events; the questions about them say so.
CASE(tool_events) {
  use_tool();
  int events = -1, sources = -1, index = -1;
  CALL(MPI_T_event_get_num(&events));
  CHECK_EQ(events, 0);
  CALL(MPI_T_source_get_num(&sources));
  CHECK(sources >= 0);
  CHECK(MPI_T_event_get_index("no such event", &index) != MPI_SUCCESS);
  int categories = 0;
  CALL(MPI_T_category_get_num(&categories));
  for (int i = 0; i < categories && i < 5; ++i) {
    CALL(MPI_T_category_get_num_events(i, &events));
    CHECK_EQ(events, 0);
    CALL(MPI_T_category_get_events(i, 1, &index));
  }
}
#endif

CASE(tool_end) {
  use_tool();
  CALL(MPI_T_finalize());
  tool_in_use = false;
}

}  // namespace
}  // namespace sluice::conformance
