package runtimeapi

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// direct is a connection whose reads and writes the Go scheduler isn't told of. The socket doesn't block, so that each takes some
// microseconds, and a wait is the poller's, as it is for every connection. When the scheduler is told of a system call, it wakes its
// monitor, a thread that sleeps while nothing runs: four more switches of threads for each event, a quarter of the processor time that it
// costs. It is for one goroutine at a time.
type direct struct {
	net.Conn
	socket syscall.RawConn
	left   []byte // of what is written, or where to read to
	n      int    // bytes that were read or written
	err    error
	// readable and writable are try for the two, made once: a method value costs memory.
	readable, writable func(fd uintptr) bool
}

// newDirect makes a connection direct, if it is a socket.
func newDirect(n net.Conn) net.Conn {
	s, ok := n.(syscall.Conn)
	if !ok {
		return n
	}
	socket, err := s.SyscallConn()
	if err != nil {
		return n // which says so itself when it is used
	}
	d := &direct{Conn: n, socket: socket}
	d.readable = func(fd uintptr) bool { return d.try("read", syscall.SYS_READ, fd) }
	d.writable = func(fd uintptr) bool {
		for len(d.left) > 0 && d.err == nil {
			if !d.try("write", syscall.SYS_WRITE, fd) {
				return false
			}
		}
		return true
	}
	return d
}

// Read implements net.Conn.
func (d *direct) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	d.begin(into)
	if err := d.socket.Read(d.readable); err != nil {
		return 0, err
	}
	if d.n == 0 && d.err == nil {
		return 0, io.EOF
	}
	return d.n, d.err
}

// Write implements net.Conn.
func (d *direct) Write(what []byte) (int, error) {
	d.begin(what)
	if err := d.socket.Write(d.writable); err != nil {
		return d.n, err
	}
	return d.n, d.err
}

func (d *direct) begin(left []byte) { d.left, d.n, d.err = left, 0, nil }

// try makes a system call once, and reports whether it was done, well or not; otherwise the socket has to be waited for.
func (d *direct) try(name string, call, fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(d.left))), uintptr(len(d.left))) //nolint:gosec // the slice's own memory
		switch errno {
		case 0:
			d.n += int(n) //nolint:gosec // at most len(left)
			d.left = d.left[n:]
			return true
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			d.err = os.NewSyscallError(name, errno)
			return true
		}
	}
}
