/* process.h - what this process uses of the machine. */
#ifndef VA_SERVER_PROCESS_H
#define VA_SERVER_PROCESS_H

/* What cannot be read is NAN. */
struct va_process_numbers {
    double resident, virtual_size, anonymous; /* bytes; anonymous: not backed by a file */
    double peak_resident;                     /* bytes, the most there was */
    double cpu_s;                             /* user and system */
    double open_fds, max_fds, threads;
    double start_unix_s;
};

void va_process_read(struct va_process_numbers *ret_numbers);

#endif
