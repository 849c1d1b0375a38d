package store_test

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tandemhub/tandem/internal/store"
)

// overQuota makes this thread's writes fail as those of a user whose quota is used up do
// (https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html). The thread ends with
// its goroutine.
func overQuota() error {
	const (
		noNewPrivileges, setSeccomp, modeFilter = 38, 22, 2
		load, jumpIfEqual, result               = 0x20, 0x15, 0x06
		allow, errno                            = 0x7fff0000, 0x00050000
	)
	runtime.LockOSThread() // and never unlocked
	filter := []syscall.SockFilter{
		{Code: load}, // the number of the system call
		{Code: jumpIfEqual, K: syscall.SYS_PWRITE64, Jt: 2},
		{Code: jumpIfEqual, K: syscall.SYS_FALLOCATE, Jt: 1},
		{Code: result, K: allow},
		{Code: result, K: errno | uint32(syscall.EDQUOT)},
	}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0); e != 0 {
		return e
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)), 0, 0, 0); e != 0 {
		return e
	}
	return nil
}

// A quota that is used up is a full disk, though SQLite calls it an error of the disk.
func TestAUsedUpQuotaIsAFullDisk(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + file(t), Exclusive: true, Reserve: 1 << 20})
	var limited, written error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if limited = overQuota(); limited == nil {
			_, written = s.SavePage(t.Context(), wide(1, 1))
		}
	}()
	<-done
	if limited != nil {
		t.Skipf("SKIPPED: this system has no filter for system calls (%v)", limited)
	}
	if _, full := s.Full(); !full || !errors.Is(written, store.ErrFull) {
		t.Errorf("%v; full %t", written, full)
	}
	if d := disk(t, s); !d.GivenUp {
		t.Errorf("the reserve is kept: %+v", d)
	}
	regained(t, s, true)
	_, err := s.SavePage(t.Context(), wide(1, 1))
	ok(t, err)
}
