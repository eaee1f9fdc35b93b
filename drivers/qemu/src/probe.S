# The guest that tells whether KVM works. As boot sector: loads its own second part, enters protected mode, turns on
# paging and long mode, counts timer interrupts while it computes and while it halts, and leaves through the debug exit
# with 0x2a. Assemble: as --64 -o probe.o probe.S && ld -Ttext 0x7c00 --oformat binary -o probe.bin probe.o
.code16
.globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
    mov $0x0204, %ax            # four sectors after this one
    mov $0x0002, %cx
    mov $0x00, %dh
    mov $second, %bx
    int $0x13
    jc fail
    in $0x92, %al
    or $2, %al
    out %al, $0x92
    lgdt table_of_segments
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmp $8, $protected
fail:
    hlt
    jmp fail

.code32
protected:
    mov $16, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x100000, %edi         # page tables at 1 MiB: 512 pages of 2 MiB
    xor %eax, %eax
    mov $0xc00, %ecx
    rep stosl
    movl $0x101003, 0x100000
    movl $0x102003, 0x101000
    mov $0x102000, %edi
    mov $0x83, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    mov $0x100000, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax             # wide page tables, and SSE as every system uses it
    mov %eax, %cr4
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax
    mov %eax, %cr0
    ljmp $24, $second

.balign 8
segments:
    .quad 0
    .quad 0x00cf9a000000ffff    # 8: code, 32 bits
    .quad 0x00cf92000000ffff    # 16: data
    .quad 0x00af9a000000ffff    # 24: code, 64 bits
table_of_segments:
    .word . - segments - 1
    .long segments

    .org 510
    .word 0xaa55

.code64
second:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $0x90000, %rsp
    # interrupts: 32 is the timer, the other gates lead to a failure
    mov $0x110000, %rdi
    mov $256, %ecx
    lea spurious(%rip), %rbx
2:  call gate
    loop 2b
    mov $0x110200, %rdi
    lea tick(%rip), %rbx
    call gate
    lidt table_of_gates(%rip)
    # the two interrupt controllers: vectors from 32, only the timer let through
    mov $0x11, %al
    out %al, $0x20
    out %al, $0xa0
    mov $0x20, %al
    out %al, $0x21
    mov $0x28, %al
    out %al, $0xa1
    mov $4, %al
    out %al, $0x21
    mov $2, %al
    out %al, $0xa1
    mov $1, %al
    out %al, $0x21
    out %al, $0xa1
    mov $0xfe, %al
    out %al, $0x21
    mov $0xff, %al
    out %al, $0xa1
    # the timer: 1000 times a second
    mov $0x34, %al
    out %al, $0x43
    mov $0xa9, %al
    out %al, $0x40
    mov $0x04, %al
    out %al, $0x40
    sti
    # computes for fifty ticks, touching pages and asking for the processor's name, then halts for fifty
    xor %r15, %r15
    mov $0x400000, %rsi
3:  xor %ecx, %ecx
    mov $1, %eax
    cpuid
    mov %rax, (%rsi)
    add $0x1000, %rsi
    cmp $0x1000000, %rsi
    jb 4f
    mov $0x400000, %rsi
    mov %cr3, %rax
    mov %rax, %cr3
4:  cvtsi2sd %r15, %xmm0
    cmp $50, %r15
    jb 3b
5:  hlt
    cmp $100, %r15
    jb 5b
    mov $0x2a, %eax
    out %eax, $0xf4
6:  hlt
    jmp 6b

gate:                           # writes the gate at rdi for the handler rbx, moves rdi on
    mov %bx, (%rdi)
    movw $24, 2(%rdi)
    movw $0x8e00, 4(%rdi)
    movw $0, 6(%rdi)
    movq $0, 8(%rdi)
    add $16, %rdi
    ret

tick:
    push %rax
    inc %r15
    mov $0x20, %al
    out %al, $0x20
    pop %rax
    iretq

spurious:
    mov $0x15, %eax
    out %eax, $0xf4
    hlt

.balign 8
table_of_gates:
    .word 4095
    .quad 0x110000
    .org 2560
