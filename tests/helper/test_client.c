/* The client and the server of the socket, in one process: who may ask, what is refused, and what comes back. */
#include "helper/helper.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "helper/serve.h"
#include "tree.h"

#define CPU "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor"

static struct va_helper_server server;
static pthread_t thread;

static int listen_at(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    put("/run/voice-assistant/x", "");
    snprintf(address.sun_path, sizeof address.sun_path, "%.70s" VA_HELPER_SOCKET, root);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 4) == 0);
    return fd;
}

/* Of this thread only: the server's stays root. */
static void become(uid_t user)
{
    assert_int_equal(syscall(SYS_setresuid, -1, user, -1), 0);
}

static void *run(void *arg)
{
    va_error error;

    return va_helper_serve(&server, &error) == 0 ? NULL : &server;
}

static void start(uid_t user)
{
    server = (struct va_helper_server){.place = {root, root}, .socket = listen_at(), .user = user, .idle_ms = 500};
    assert_int_equal(va_helper_check_socket(server.socket, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static void stop(void)
{
    void *failed = &thread;

    assert_int_equal(pthread_join(thread, &failed), 0); /* it ends when it is idle */
    assert_null(failed);
    close(server.socket);
}

static int connect_raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.70s" VA_HELPER_SOCKET, root);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void it_does_what_it_is_asked(void **state)
{
    va_error error;

    put(CPU, "performance\n");
    start(getuid());
    assert_int_equal(va_helper_ask(root, &error, "governor %s", "powersave"), 0);
    expect_begins(CPU, "powersave");
    assert_int_equal(va_helper_ask(root, &error, "brightness %d", 5), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "not present"));
    assert_int_equal(va_helper_ask(root, &error, "governor ../x"), VA_EFORMAT);
    assert_int_equal(va_helper_ask(root, &error, "reboot"), VA_EFORMAT);
    stop();
}

static void strange_packets_are_refused(void **state)
{
    static const char *const packets[] = {"reboot", "governor ../../x", "sleep 1", "governor powersave\n"};
    char answer[VA_HELPER_ANSWER_BYTES], flood[4096];
    va_error error;

    put(CPU, "performance\n");
    start(getuid());
    for (size_t i = 0; i < 5; i++) {
        int fd = connect_raw();
        memset(flood, 'a', sizeof flood);
        ssize_t sent = i < 4 ? send(fd, packets[i], strlen(packets[i]), 0) : send(fd, flood, sizeof flood, 0);
        assert_true(sent > 0);
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        assert_true(n > 0);
        assert_int_equal(va_helper_parse_answer(answer, (size_t)n, &error), VA_EFORMAT);
        assert_int_equal(recv(fd, answer, sizeof answer, 0), 0); /* one request, and that was it */
        close(fd);
    }
    close(connect_raw()); /* who says nothing keeps nobody */
    int silent = connect_raw();
    assert_int_equal(recv(silent, answer, sizeof answer, 0), 0);
    close(silent);
    assert_int_equal(va_helper_ask(root, &error, "governor powersave"), 0);
    stop();
}

/* Another user is told so, and no file is touched. Needs root to be another user. */
static void others_are_not_heard(void **state)
{
    va_error error;
    int r;

    if (geteuid() != 0)
        skip();
    put(CPU, "performance\n");
    start(4711);
    char path[512];
    snprintf(path, sizeof path, "%s" VA_HELPER_SOCKET, root);
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(chmod(path, 0666), 0);
    become(65534);
    r = va_helper_ask(root, &error, "governor powersave");
    become(0);
    assert_int_equal(r, VA_EDENIED);
    expect_begins(CPU, "performance");
    assert_int_equal(va_helper_ask(root, &error, "governor powersave"), 0); /* root may */
    stop();
}

/* Files of root, a program that is not: what it may not do itself, the helper does; without one, it says what is missing. */
static void who_may_not_asks(void **state)
{
    va_error error;
    int with_helper, without_helper, can, cannot;

    if (geteuid() != 0)
        skip();
    put(CPU, "performance\n");
    assert_int_equal(chmod(root, 0755), 0);
    become(65534);
    without_helper = va_helper_do(root, &error, "governor powersave");
    cannot = va_helper_can(root, &error, "governor powersave");
    become(0);
    assert_int_equal(without_helper, VA_EDENIED);
    assert_int_equal(cannot, VA_EDENIED);
    assert_non_null(strstr(error.text, "scaling_governor"));
    assert_non_null(strstr(error.text, "voice-assistant-helper.socket"));
    start(65534);
    char path[512];
    snprintf(path, sizeof path, "%s" VA_HELPER_SOCKET, root);
    assert_int_equal(chmod(path, 0666), 0);
    become(65534);
    can = va_helper_can(root, &error, "governor powersave");
    with_helper = va_helper_do(root, &error, "governor powersave");
    become(0);
    assert_int_equal(can, 0);
    assert_int_equal(with_helper, 0);
    expect_begins(CPU, "powersave");
    stop();
}

static void without_a_helper(void **state)
{
    va_error error;
    int pair[2];

    assert_int_equal(va_helper_ask(root, &error, "governor powersave"), VA_ESTATE);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(va_helper_check_socket(pair[0], &error), VA_EINVAL); /* it does not listen */
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(va_helper_check_socket(0, &error), VA_EINVAL);
}

static void users_by_name(void **state)
{
    uid_t user = 7;

    assert_int_equal(va_helper_find_user(root, "voice-assistant", &user), VA_ENOTFOUND);
    put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nvoice-assistant-2:x:5:5::/:/bin/false\nvoice-assistant:x:998:998::/:/bin/false\n");
    assert_int_equal(va_helper_find_user(root, "voice-assistant", &user), 0);
    assert_int_equal(user, 998);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_does_what_it_is_asked, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(strange_packets_are_refused, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(others_are_not_heard, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(who_may_not_asks, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(without_a_helper, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(users_by_name, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
