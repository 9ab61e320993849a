// ask_helper REQUEST: sends it to the helper and prints the answer. Exit code: 0 when that is "0", 1 when it is another, 2 without one.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/voice-assistant/helper.sock"};
    struct timeval timeout = {.tv_sec = 60};
    char answer[1024];
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (argc != 2 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || send(fd, argv[1], strlen(argv[1]), 0) < 0) {
        perror("ask_helper");
        return 2;
    }
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    if (n <= 0)
        return 2;
    printf("%.*s\n", (int)n, answer);
    return n == 1 && answer[0] == '0' ? 0 : 1;
}
