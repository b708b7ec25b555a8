#include "engine/workers/mpi_transport.hpp"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace flare::engine {
namespace {

constexpr int frame_tag = 28;

}  // namespace

struct MpiTransport::Pending {
  Bytes bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

MpiTransport::MpiTransport() {
  // Other threads of this program never call MPI.
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  MPI_Barrier(MPI_COMM_WORLD);  // all have mapped what they need of one another
  segments_ = std::make_unique<NamedSegments>(rank_);
  folder_.remove();
}

MpiTransport::~MpiTransport() {
  // Sleeping, where MPI would spin: others may still be busy.
  MPI_Request all = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &all);
  int done = 0;
  while (!pending_.empty() || done == 0) {
    forget_sent();
    if (done == 0) MPI_Test(&all, &done, MPI_STATUS_IGNORE);
    while (receive()) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  folder_.restore();
  segments_->restore_own();
  MPI_Finalize();
}

std::string MpiTransport::library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data());  // up to its end mark, whatever the length says
  return all.substr(0, all.find(','));
}

std::vector<int> MpiTransport::gather(int mine) const {
  std::vector<int> all(static_cast<std::size_t>(ranks_));
  MPI_Allgather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, MPI_COMM_WORLD);
  return all;
}

MpiTransport::Machine MpiTransport::machine() const {
  MPI_Comm here = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
  Machine machine;
  MPI_Comm_size(here, &machine.ranks);
  constexpr int most_cores = CPU_SETSIZE;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  std::vector<unsigned char> mine(most_cores);
  for (int core = 0; core < most_cores; ++core)
    mine[static_cast<std::size_t>(core)] = CPU_ISSET(core, &mask) ? 1 : 0;
  std::vector<unsigned char> any(most_cores);
  MPI_Allreduce(mine.data(), any.data(), most_cores, MPI_UNSIGNED_CHAR, MPI_BOR, here);
  machine.cores = static_cast<int>(std::count(any.begin(), any.end(), 1));
  MPI_Comm_free(&here);
  return machine;
}

void MpiTransport::forget_sent() {
  std::erase_if(pending_, [](const std::unique_ptr<Pending>& sent) {
    int taken = 0;
    MPI_Test(&sent->request, &taken, MPI_STATUS_IGNORE);
    return taken != 0;
  });
}

void MpiTransport::send(int rank, const RankFrame& frame) {
  auto sent = std::make_unique<Pending>();
  sent->bytes = encode_frame(frame);
  MPI_Isend(sent->bytes.data(), static_cast<int>(sent->bytes.size()), MPI_BYTE, rank, frame_tag,
            MPI_COMM_WORLD, &sent->request);
  pending_.push_back(std::move(sent));
}

std::optional<RankTransport::Received> MpiTransport::receive() {
  forget_sent();
  int there = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, frame_tag, MPI_COMM_WORLD, &there, &status);
  if (there == 0) return std::nullopt;
  int size = 0;
  MPI_Get_count(&status, MPI_BYTE, &size);
  Bytes bytes(static_cast<std::size_t>(size));
  MPI_Recv(bytes.data(), size, MPI_BYTE, status.MPI_SOURCE, frame_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return Received{status.MPI_SOURCE, decode_frame(bytes)};
}

int workers_of_rank(int mine, int cores, int ranks) {
  return std::max(1, std::min(mine, cores / std::max(1, ranks)));
}

}  // namespace flare::engine
