/* confine.c: libhdf5 is large, and a file may come from a stranger: a fault in it that is made use of finds a program that
 * can open no file, no socket and no program. By Linux's filter of system calls (seccomp). */
#include "confine.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(IVORY_SANITIZED)

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
/* Goes on behind the next line where the value is another. */
#define IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0)

/* clang-format off */
void confine(void)
{
    struct sock_filter filter[] = {
        LOAD(arch),
        UNLESS(ARCHITECTURE), REFUSE,
        LOAD(nr),
        IF(SYS_read), ALLOW,
        IF(SYS_write), ALLOW,
        IF(SYS_writev), ALLOW,
        IF(SYS_lseek), ALLOW,
        IF(SYS_fstat), ALLOW,
        IF(SYS_newfstatat), ALLOW,
        IF(SYS_brk), ALLOW,
        IF(SYS_mmap), ALLOW,
        IF(SYS_mremap), ALLOW,
        IF(SYS_munmap), ALLOW,
        IF(SYS_madvise), ALLOW,
        IF(SYS_futex), ALLOW,
        IF(SYS_sysinfo), ALLOW, /* what qsort may take */
        IF(SYS_getpid), ALLOW, /* these five: a crash shall end it as ever */
        IF(SYS_gettid), ALLOW,
        IF(SYS_tgkill), ALLOW,
        IF(SYS_rt_sigprocmask), ALLOW,
        IF(SYS_rt_sigreturn), ALLOW,
        IF(SYS_exit), ALLOW,
        IF(SYS_exit_group), ALLOW,
        REFUSE,
    };
    const struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

    if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
/* clang-format on */

#else

void confine(void)
{
}

#endif
