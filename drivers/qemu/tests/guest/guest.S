# A guest in one sector, on the machines pc and q35. It says "ready" on the serial console, then counts seconds there. It switches
# itself off when its power button is pressed or 'o' comes over the serial line, starts again at 'r', and lets go of
# devices that are to be unplugged. Assemble: see tests/guest/mod.rs.
.code16
.globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    mov $0x602, %dx             # the power button is enabled
    mov $0x0100, %ax
    out %ax, %dx
    mov $0x3fb, %dx             # the serial line: 115200 8N1
    mov $0x03, %al
    out %al, %dx
    mov $hello, %si
    call say
    xor %bp, %bp
    sti
second:
    mov $18, %cx
tick:
    hlt
    mov $0x600, %dx
    in %dx, %ax
    test $1, %ah
    jnz off
    mov $0x3fd, %dx
    in %dx, %al
    test $1, %al
    jz 1f
    mov $0x3f8, %dx
    in %dx, %al
    cmp $'o', %al
    je off
    cmp $'r', %al
    je again
1:  call eject
    loop tick
    inc %bp
    mov $count, %si
    call say
    mov %bp, %ax
    call number
    mov $end, %si
    call say
    jmp second

off:
    mov $bye, %si
    call say
    mov $0x604, %dx
    mov $0x2000, %ax
    out %ax, %dx
    hlt
again:
    mov $0xcf9, %dx
    mov $6, %al
    out %al, %dx
    hlt

eject:                          # on each hot-pluggable bus, whatever is asked to go goes
    push %cx
    mov $0x0cc0, %di            # q35
    call ejects
    mov $0xae00, %di            # pc
    call ejects
    pop %cx
    ret
ejects:
    mov $32, %ecx
2:  dec %cx
    mov %ecx, %eax
    lea 0x10(%di), %dx
    out %eax, %dx
    lea 4(%di), %dx
    in %dx, %eax
    lea 1(%eax), %ebx           # all ones: not on this machine
    test %ebx, %ebx
    jz 3f
    test %eax, %eax
    jz 3f
    lea 8(%di), %dx
    out %eax, %dx
3:  test %cx, %cx
    jnz 2b
    ret

say:                            # the text at si
    lodsb
    test %al, %al
    jz 5f
    call byte
    jmp say
5:  ret

byte:                           # al
    push %ax
    mov $0x3fd, %dx
6:  in %dx, %al
    test $0x20, %al
    jz 6b
    pop %ax
    mov $0x3f8, %dx
    out %al, %dx
    ret

number:                         # ax in five digits
    mov $10, %bx
    mov $5, %cx
7:  xor %dx, %dx
    div %bx
    push %dx
    loop 7b
    mov $5, %cx
8:  pop %ax
    add $'0', %al
    call byte
    loop 8b
    ret

hello: .asciz "\r\nready\r\n"
count: .asciz "second "
end:   .asciz "\r\n"
bye:   .asciz "bye\r\n"
    .org 510
    .word 0xaa55
