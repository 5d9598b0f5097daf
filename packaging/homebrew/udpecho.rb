# Homebrew's formula. No archive of a release is published yet: url and sha256 stand for one. Until then, build
# what is committed on main in a checkout. A formula must be in a tap, and Homebrew passes on only variables that
# begin with HOMEBREW_:
#
#     brew tap-new udpecho/local
#     cp packaging/homebrew/udpecho.rb "$(brew --repository udpecho/local)/Formula/"
#     HOMEBREW_UDPECHO_SOURCE=$PWD brew install --HEAD udpecho/local/udpecho
#
# Homebrew has not done so yet.
class Udpecho < Formula
  desc "UDP echo server (RFC 862) and client that measures round trips, loss and paths"
  homepage "https://udpecho.invalid/"
  url "https://udpecho.invalid/releases/udpecho-0.2.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"
  head "file://#{ENV.fetch("HOMEBREW_UDPECHO_SOURCE", "")}", using: :git, branch: "main"

  depends_on "cmake" => :build
  depends_on "pkgconf" => :build
  depends_on "apr"
  depends_on "apr-util"
  depends_on "libsodium"

  def install
    system "cmake", "-S", ".", "-B", "build", "-DBUILD_TESTING=OFF", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
    etc.install "packaging/udpechod.conf"
  end

  # It opens its sockets itself: what Homebrew writes about sockets lacks SockType, without which
  # launchd takes them for those of TCP.
  service do
    run [opt_sbin/"udpechod", "--config=#{etc}/udpechod.conf"]
    keep_alive successful_exit: false
    process_type :interactive
    error_log_path var/"log/udpechod.log"
  end

  test do
    log = testpath/"log"
    port = free_port
    server = spawn sbin/"udpechod", "--listen=127.0.0.1:#{port}", err: log.to_s
    begin
      sleep 1
      assert_match "3 received, 0 lost", shell_output("#{bin}/udpecho --count=3 127.0.0.1:#{port}")
    ensure
      Process.kill "TERM", server
      Process.wait server
    end
    assert_match "echoed=3", log.read
  end
end
