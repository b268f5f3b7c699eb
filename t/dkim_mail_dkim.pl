#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# What Mail::DKIM says of the signatures of many messages: dkim_mail_dkim.pl ZONE MESSAGES FROM, in the form of t/dkim_driver.c.
use strict;
use warnings;

use Mail::DKIM;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

my %zone;

# As much of Net::DNS::Resolver and its packets as Mail::DKIM::DNS::query() looks at.
package Zone::Record { sub new { my ($class, $text) = @_; return bless { text => $text }, $class }
    sub type { return 'TXT' }
    sub txtdata { my $self = shift; return $self->{text} }
    sub char_str_list { my $self = shift; return ($self->{text}) } }
package Zone::Header { sub rcode { my $self = shift; return $$self } }
package Zone::Packet { sub header { my $self = shift; my $code = @{ $self->{answer} } ? 'NOERROR' : 'NXDOMAIN'; return bless \$code, 'Zone::Header' }
    sub answer { my $self = shift; return @{ $self->{answer} } } }
package Zone { sub send { my ($self, $name) = @_;
        my @found = map { Zone::Record->new($_) } @{ $zone{lc $name} || [] };
        return bless { answer => \@found }, 'Zone::Packet' }
    sub bgsend { my ($self, $name) = @_; return $name }
    sub bgbusy { return 0 }
    sub bgread { my ($self, $name) = @_; return $self->send($name) }
    sub errorstring { return 'NOERROR' } }

package main;

my ($zone_path, $messages_path, $from) = @ARGV;
open my $zone_file, '<:raw', $zone_path or die "$zone_path: $!";
while (my $line = <$zone_file>) {
    chomp $line;
    my ($name, $hex) = split / /, $line, 2;
    push @{ $zone{lc $name} }, pack 'H*', $hex // '';
}
Mail::DKIM::DNS::resolver(bless {}, 'Zone');

open my $messages, '<:raw', $messages_path or die "$messages_path: $!";
$| = 1;
my $number = 0;
while (my $line = <$messages>) {
    my ($length) = split / /, $line;
    my $raw = '';
    read($messages, $raw, $length) == $length or die 'a message is cut short';
    next if $number++ < $from;
    my @words;
    my $good = eval {
        local $SIG{__WARN__} = sub { };
        my $verifier = Mail::DKIM::Verifier->new;
        $verifier->PRINT($raw);
        $verifier->CLOSE;
        @words = map { $_->result // 'none' } grep { ref $_ eq 'Mail::DKIM::Signature' } $verifier->signatures;
        1;
    };
    s/\s.*// for @words;
    print $good ? join(' ', @words) : 'died', "\n";
}
