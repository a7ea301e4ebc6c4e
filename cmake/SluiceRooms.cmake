# Helpers to declare rooms (libraries), their unit tests and their fuzz targets.

set(SLUICE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
                    -Wold-style-cast -Wnull-dereference -Werror)

function(sluice_options target)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SLUICE_WARNINGS}>)
  if(SLUICE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${SLUICE_SANITIZE})
    # Fences pair threads of different processes here, which the thread sanitizer does not watch anyway.
    if(SLUICE_SANITIZE MATCHES thread)
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
  endif()
  if(SLUICE_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
  if(SLUICE_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PRIVATE --coverage)
  endif()
  if(NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(${target} PRIVATE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
  endif()
endfunction()

# sluice_self_contained(TARGET): a program without shared libraries. What a sandbox reads of the system passes a mirror,
# and a short program spends most of its time on loading them.
function(sluice_self_contained target)
  if(NOT SLUICE_SANITIZE)
    target_link_options(${target} PRIVATE -static-pie -Wl,--gc-sections,--strip-debug)
  endif()
endfunction()

# sluice_room(NAME SOURCES ... USES ...): static library sluice_NAME of a room.
function(sluice_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
  add_library(sluice_${name} STATIC ${ROOM_SOURCES})
  sluice_options(sluice_${name})
  target_link_libraries(sluice_${name} PUBLIC ${ROOM_USES})
endfunction()

# sluice_unit_test(NAME SOURCES ... USES ...): GoogleTest binary beside its code, one CTest entry, label `unit`.
function(sluice_unit_test name)
  if(SLUICE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(TEST "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  sluice_options(${name})
  target_link_libraries(${name} PRIVATE ${TEST_USES} GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# sluice_fuzz_target(NAME SOURCES ... USES ...): libFuzzer binary, only in the fuzz preset.
function(sluice_fuzz_target name)
  if(NOT SLUICE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(FUZZ "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${FUZZ_SOURCES})
  sluice_options(${name})
  target_link_libraries(${name} PRIVATE ${FUZZ_USES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
