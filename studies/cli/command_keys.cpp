#include <cstdio>

#include "studies/cli/commands.hpp"
#include "studies/study/key_reference.hpp"

namespace flare::studies {

int keys_command() {
  std::fputs(key_reference().c_str(), stdout);
  return exit_done;
}

}  // namespace flare::studies
