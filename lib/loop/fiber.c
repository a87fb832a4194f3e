/*
 * fiber.c - stacks, and going from one to another.
 *
 * ucontext puts a fiber on its stack; from then on setjmp and longjmp go there and back, without the system call that swapcontext makes
 * each time.  No assembly, so every processor that Debian has will do.
 */
#undef _FORTIFY_SOURCE /* its longjmp refuses to leave a stack */

#include "lib/loop/internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) 0
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK (8 * LOOP_STACK)
#else
#define STACK LOOP_STACK
#endif

/* --- switching --- */

/* Right before from is left. */
static void
leaving(struct context *from, const struct context *to)
{
	(void)from;
	(void)to;
#ifdef __SANITIZE_THREAD__
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->size);
#endif
}

/* On here's stack; the loop's own is learnt by the fiber that came from it (from not NULL). */
static void
arrived(struct context *here, struct context *from)
{
	(void)here;
	(void)from;
#ifdef __SANITIZE_ADDRESS__
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(here->fake_stack, &stack, &size);
	if (from != NULL) {
		from->stack = stack;
		from->size = size;
	}
#endif
}

/* makecontext hands over nothing but ints. */
static void
first_frame(void)
{
	struct fiber *f = loop_running()->current;

	arrived(&f->context, &f->loop->context);
	for (;;) {
		f->body(f->arg);
		loop_ended(f);
		fiber_leave(f);
	}
}

/* Left for good: what ASan would put around its variables would stay on the stack, for others to run into. */
__attribute__((no_sanitize_address)) static _Noreturn void
first_jump(struct fiber *f)
{
	ucontext_t there;

	getcontext(&there);
	there.uc_stack.ss_sp = (void *)(uintptr_t)f->context.stack;
	there.uc_stack.ss_size = f->context.size;
	there.uc_link = NULL;
	makecontext(&there, first_frame, 0);
	f->begun = true;
	leaving(&f->loop->context, &f->context);
	setcontext(&there);
	abort(); /* it can't fail: the signal mask is the only thing that the kernel sees of it */
}

void
fiber_loop_begins(struct loop *l)
{
	(void)l;
#ifdef __SANITIZE_THREAD__
	l->context.tsan = __tsan_get_current_fiber();
#endif
}

/* Neither is inlined: the caller's registers are saved around them, and nothing thread-local is kept across. */
__attribute__((noinline)) void
fiber_enter(struct fiber *f)
{
	struct loop *l = f->loop;

	l->current = f;
	if (sigsetjmp(l->context.at, 0) == 0) {
		if (!f->begun)
			first_jump(f);
		leaving(&l->context, &f->context);
		siglongjmp(f->context.at, 1);
	}
	l = loop_running();
	arrived(&l->context, NULL);
	l->current = NULL;
}

__attribute__((noinline)) void
fiber_leave(struct fiber *f)
{
	if (sigsetjmp(f->context.at, 0) == 0) {
		leaving(&f->context, &f->loop->context);
		siglongjmp(f->loop->context.at, 1);
	}
	f = loop_running()->current;
	arrived(&f->context, &f->loop->context);
}

/* --- stacks --- */

/* The guard page lies below, where the stack grows to. */
static void *
stack_new(void)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *all =
	    mmap(NULL, guard + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (all == MAP_FAILED)
		return NULL;
	if (mprotect(all, guard, PROT_NONE) != 0) {
		munmap(all, guard + STACK);
		return NULL;
	}
	return all + guard;
}

static void
stack_free(const void *stack)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);

	munmap((unsigned char *)(uintptr_t)stack - guard, guard + STACK);
}

struct fiber *
fiber_new(struct loop *l)
{
	struct fiber *f = calloc(1, sizeof(*f));
	unsigned char *stack = f == NULL ? NULL : stack_new();

	if (stack == NULL) {
		free(f);
		return NULL;
	}
	f->loop = l;
	f->fd = -1;
	f->context.stack = stack;
	f->context.size = STACK;
	f->valgrind = VALGRIND_STACK_REGISTER(stack, stack + STACK);
#ifdef __SANITIZE_THREAD__
	f->context.tsan = __tsan_create_fiber(0);
#endif
	return f;
}

void
fiber_free(struct fiber *f)
{
#ifdef __SANITIZE_THREAD__
	__tsan_destroy_fiber(f->context.tsan);
#endif
	VALGRIND_STACK_DEREGISTER(f->valgrind);
	stack_free(f->context.stack);
	free(f);
}
