/* command.h - the commands of the program: one row of the table in main.c, one file command_NAME.c each.
 *
 * A command gets its own arguments (argv[0] is its name), reads them (arguments.h; getopt_long where there is more to it), prints results
 * to stdout and messages to stderr, and returns the exit code. */
#ifndef VA_DAEMON_COMMAND_H
#define VA_DAEMON_COMMAND_H

enum va_exit {
    VA_EXIT_OK = 0,
    VA_EXIT_FAILED = 1, /* it did not work, or nothing matched */
    VA_EXIT_USAGE = 2   /* the command line makes no sense */
};

int va_command_transcribe(int argc, char **argv);
int va_command_serve(int argc, char **argv);
int va_command_listen(int argc, char **argv);
int va_command_model(int argc, char **argv);
int va_command_match(int argc, char **argv);
int va_command_commands(int argc, char **argv);
int va_command_devices(int argc, char **argv);
int va_command_say(int argc, char **argv);
int va_command_config(int argc, char **argv);
int va_command_eval(int argc, char **argv);
int va_command_bench(int argc, char **argv);
int va_command_wake(int argc, char **argv);
int va_command_home(int argc, char **argv);
int va_command_history(int argc, char **argv);
int va_command_power(int argc, char **argv);
int va_command_battery(int argc, char **argv);
int va_command_privacy(int argc, char **argv);
int va_command_health(int argc, char **argv);
int va_command_worker(int argc, char **argv);
int va_command_token(int argc, char **argv);
int va_command_tls(int argc, char **argv);
int va_command_pair(int argc, char **argv);
int va_command_doctor(int argc, char **argv);
int va_command_audit(int argc, char **argv);
int va_command_demo(int argc, char **argv);

#endif
