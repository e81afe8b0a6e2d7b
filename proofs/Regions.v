(* The Lipschitz constant is the largest norm of a Jacobian over full-dimensional regions. In words:
   enumeration.md, section "Checked by a machine". *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Segments.
Variable R : realFieldType.

(* a + t b keeps its side of 0 on [c, d] when it has it at an inner point and no root strictly between. *)
Lemma side_between (s : bool) (a b c d m t : R) :
  on_side s (a + m * b) -> c < m < d -> ~~ (c < - a / b < d) -> c <= t <= d -> on_side s (a + t * b).
Proof.
rewrite /on_side; wlog: s a b / s = true => [wlog_true|->].
  case: s => [|neg mcd root tcd]; first exact: (wlog_true true).
  have flip u : - a + u * - b = - (a + u * b) by rewrite mulrN -opprD.
  rewrite -oppr_ge0 -flip; apply: (wlog_true true) mcd _ tcd => //=; first by rewrite flip oppr_ge0.
  by rewrite invrN mulrNN.
move=> pos /andP[cm md] root /andP[ct td]; rewrite leNgt; apply/negP => neg.
have [b0|b0|b0] := ltrgt0P b.
- case/negP: root; rewrite ltr_pdivl_mulr // ltr_pdivr_mulr //; apply/andP; split.
    have lt : c * b <= t * b by rewrite ler_pmul2r.
    by rewrite (le_lt_trans lt) // -subr_lt0 opprK addrC.
  have lt : m * b < d * b by rewrite ltr_pmul2r.
  by rewrite (le_lt_trans _ lt) // -subr_ge0 opprK addrC.
- case/negP: root; rewrite ltr_ndivl_mulr // ltr_ndivr_mulr //; apply/andP; split.
    have lt : m * b < c * b by rewrite ltr_nmul2r.
    by rewrite (le_lt_trans _ lt) // -subr_ge0 opprK addrC.
  have lt : d * b <= t * b by rewrite ler_nmul2r.
  by rewrite (le_lt_trans lt) // -subr_lt0 opprK addrC.
by move: neg pos; rewrite b0 !mulr0 !addr0 ltNge => /negP.
Qed.

(* What holds between any two neighbours among finitely many breakpoints, and can be added up, holds between any two
   points. No completeness is needed: the number of breakpoints strictly inside goes down. *)
Lemma breakpoints (breaks : seq R) (Q : R -> R -> Prop) :
  (forall a c b, a < c < b -> Q a c -> Q c b -> Q a b) ->
  (forall a b, a < b -> (forall t, t \in breaks -> ~~ (a < t < b)) -> Q a b) ->
  forall a b, a < b -> Q a b.
Proof.
move=> add one a b; move: {2}(size _) (leqnn (size [seq t <- breaks | a < t < b])) => k.
elim: k a b => [|k IH] a b small ab.
  apply: one ab _ => t t_in; apply/negP => inside; move: small; rewrite leqn0 size_eq0.
  by move/eqP/(congr1 (fun s => t \in s)); rewrite mem_filter inside t_in.
have [/hasP[c c_in inside]|none] := boolP (has (fun t => a < t < b) breaks); last first.
  by apply: one ab _ => t t_in; apply: contra none => inside; apply/hasP; exists t.
have /andP[ac cb] := inside.
have fewer (p q : R) : (forall t, p < t < q -> a < t < b) -> ~~ (p < c < q) ->
    (size [seq t <- breaks | (p < t < q)%R] <= k)%N.
  move=> sub out; rewrite -ltnS; apply: leq_trans small.
  have -> : [seq t <- breaks | p < t < q] = [seq t <- [seq t <- breaks | a < t < b] | p < t < q].
    rewrite -filter_predI; apply: eq_filter => t /=; apply/idP/andP => [pq|[]//].
    by split=> //; apply: sub.
  rewrite size_filter ltn_neqAle count_size andbT -all_count; apply/negP => /allP/(_ c).
  by rewrite mem_filter inside c_in (negbTE out) => /(_ isT).
apply: (add a c b inside).
  apply: (IH a c _ ac); apply: fewer => [t /andP[at_ tc]|]; last by rewrite ltxx andbF.
  by rewrite at_ (lt_trans tc).
apply: (IH c b _ cb); apply: fewer => [t /andP[ct tb]|]; last by rewrite ltxx.
by rewrite tb (lt_trans ac).
Qed.

(* The parameters t at which a pre-activation of some pattern vanishes on the line p + t d. *)
Fixpoint line_breaks m n (N : net R m n) : 'cV[R]_n -> 'cV[R]_n -> seq R :=
  match N with
  | Output _ _ _ => fun _ _ => [::]
  | Hidden _ k W b l r rest => fun p d =>
      [seq - (W *m p + b) i 0 / (W *m d) i 0 | i <- enum 'I_k] ++
      flatten [seq line_breaks rest (slope_of l r s *m (W *m p + b)) (slope_of l r s *m (W *m d))
              | s <- enum {ffun 'I_k -> bool}]
  end.

(* Between neighbouring breakpoints a line does not leave a closed cell. *)
Lemma cell_between m n (N : net R m n) (s : pattern N) p d c e mid t :
  in_cell s (p + mid *: d) -> c < mid < e -> (forall u, u \in line_breaks N p d -> ~~ (c < u < e)) -> c <= t <= e ->
  in_cell s (p + t *: d).
Proof.
elim: N s p d => [//|n' k W b l r rest IH] [s1 s2] p d /= [sides below] inside none t_in.
have line u : W *m (p + u *: d) + b = (W *m p + b) + u *: (W *m d) by rewrite mulmxDr scalemxAr addrAC.
have entry u i : (W *m (p + u *: d) + b) i 0 = (W *m p + b) i 0 + u * (W *m d) i 0.
  by rewrite line mxE; congr (_ + _); rewrite mxE.
have on u : c <= u <= e -> forall i, on_side (s1 i) ((W *m (p + u *: d) + b) i 0).
  move=> u_in i; rewrite entry; apply: side_between inside _ u_in; first by have := sides i; rewrite entry.
  by apply: none; rewrite mem_cat; apply/orP; left; apply/mapP; exists i; rewrite ?mem_enum.
split; first exact: on.
have next u : c <= u <= e -> activate l r (W *m (p + u *: d) + b) =
    slope_of l r s1 *m (W *m p + b) + u *: (slope_of l r s1 *m (W *m d)).
  by move=> /on sides_u; rewrite (activate_on_sides _ _ sides_u) line mulmxDr -scalemxAr.
rewrite next //; apply: IH (inside) _ t_in.
  by rewrite -next //; case/andP: inside => ? ?; rewrite !ltW.
move=> u u_in; apply: none; rewrite mem_cat; apply/orP; right; apply/flatten_mapP.
by exists s1; rewrite ?mem_enum.
Qed.

End Segments.

Section Cover.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).
Add Field Rfield : (field_laws R).

Lemma affine_combination n (a : 'rV[R]_n) (c : R) (x y : 'cV[R]_n) t :
  (a *m (x + t *: (y - x))) 0 0 + c = (1 - t) * ((a *m x) 0 0 + c) + t * ((a *m y) 0 0 + c).
Proof.
rewrite mulmxDr -scalemxAr mulmxBr.
have -> : (a *m x + t *: (a *m y - a *m x)) 0 0 = (a *m x) 0 0 + t * ((a *m y) 0 0 - (a *m x) 0 0).
  by rewrite mxE; congr (_ + _); rewrite mxE; congr (_ * _); rewrite mxE; congr (_ + _); rewrite mxE.
mc_ring R.
Qed.

Lemma half_space_convex n (K : 'cV[R]_n -> Prop) (s : bool) (a : 'rV[R]_n) c :
  convex K -> convex (fun w => K w /\ on_side s ((a *m w) 0 0 + c)).
Proof.
move=> conv x y t [Kx sx] [Ky sy] t01; split; first exact: conv.
rewrite affine_combination; case/andP: t01 => t0 t1; move: sx sy; rewrite /on_side.
have t1' : 0 <= 1 - t by rewrite subr_ge0.
by case: s => /= sx sy; [rewrite addr_ge0 ?mulr_ge0 | rewrite -[X in _ <= X]addr0 ler_add // mulr_ge0_le0].
Qed.

Lemma affine_bounded n (a : 'rV[R]_n) z r w : cube z r w -> `|(a *m w) 0 0| <= `|(a *m z) 0 0| + r * \sum_i `|a 0 i|.
Proof.
move=> near; have -> : (a *m w) 0 0 = (a *m z) 0 0 + (a *m (w - z)) 0 0.
  by rewrite mulmxBr; move: (a *m w) (a *m z) => p q; rewrite !mxE; mc_ring R.
apply: le_trans (ler_norm_add _ _) _; rewrite ler_add2l mxE (le_trans (ler_norm_sum _ _ _)) // mulr_sumr.
by apply: ler_sum => i _; rewrite normrM mulrC ler_wpmul2r // !mxE ltW.
Qed.

(* A convex set with an interior that goes beyond a hyperplane has an interior there: shrink it towards that point. *)
Lemma beyond n (K : 'cV[R]_n -> Prop) (a : 'rV[R]_n) c x :
  convex K -> full_dimensional K -> K x -> 0 < (a *m x) 0 0 + c ->
  full_dimensional (fun w => K w /\ 0 <= (a *m w) 0 0 + c).
Proof.
move=> conv [z [r [r0 inK]]] Kx pos; set h := _ + c in pos.
pose M := `|(a *m z) 0 0| + r * (\sum_i `|a 0 i|) + `|c|.
have M0 : 0 <= M by do 2 apply: addr_ge0 => //; apply: mulr_ge0; [exact: ltW | exact: sumr_ge0].
have D0 : 0 < h + M + 1 by apply: ltr_paddl; [exact: addr_ge0 (ltW pos) M0 | exact: ltr01].
pose t := h / (h + M + 1).
have t0 : 0 < t by rewrite divr_gt0.
have t1 : t <= 1 by rewrite /t ler_pdivr_mulr // mul1r -addrA ler_addl; apply: addr_ge0 => //; exact: ler01.
exists (x + t *: (z - x)), (t * r); split; first by rewrite mulr_gt0.
move=> w near; pose w' := x + t^-1 *: (w - x).
have ew : w = x + t *: (w' - x).
  by rewrite /w' addrAC subrr add0r scalerA divff ?gt_eqF // scale1r addrC subrK.
have near' : cube z r w'.
  move=> i; rewrite -(ltr_pmul2l t0) -[X in X * `|_|](gtr0_norm t0) -normrM.
  have -> : t * (w' i 0 - z i 0) = w i 0 - (x + t *: (z - x)) i 0; last exact: near.
  by rewrite ew !mxE; mc_ring R.
have le_M : `|(a *m w') 0 0 + c| <= M.
  by rewrite (le_trans (ler_norm_add _ _)) // ler_add2r affine_bounded.
rewrite ew; split; first by apply: conv; rewrite ?(ltW t0) //; apply: inK.
rewrite affine_combination -/h.
have -> : (1 - t) * h + t * ((a *m w') 0 0 + c) = t * ((M + ((a *m w') 0 0 + c)) + 1).
  have th : t * (h + M + 1) = h by rewrite divfK // gt_eqF.
  have -> : (1 - t) * h = t * (h + M + 1) - t * h by rewrite th; mc_ring R.
  by mc_ring R.
rewrite mulr_ge0 ?(ltW t0) // addr_ge0 //.
by move: le_M; rewrite ler_norml => /andP[lo _]; rewrite addrC -[M]opprK subr_ge0.
Qed.

(* Every affine function keeps one of its sides, as seen from a point of a full-dimensional convex set. *)
Lemma half n (K : 'cV[R]_n -> Prop) (a : 'rV[R]_n) c x :
  convex K -> full_dimensional K -> K x ->
  exists s, on_side s ((a *m x) 0 0 + c) /\ full_dimensional (fun w => K w /\ on_side s ((a *m w) 0 0 + c)).
Proof.
move=> conv full Kx.
have pos w : K w -> 0 < (a *m w) 0 0 + c -> full_dimensional (fun v => K v /\ on_side true ((a *m v) 0 0 + c)).
  by move=> Kw; apply: beyond.
have neg w : K w -> (a *m w) 0 0 + c < 0 -> full_dimensional (fun v => K v /\ on_side false ((a *m v) 0 0 + c)).
  move=> Kw below.
  have flip v : ((- a) *m v) 0 0 + - c = - ((a *m v) 0 0 + c) by rewrite mulNmx mxE opprD.
  have := @beyond _ K (- a) (- c) w conv full Kw; rewrite flip oppr_gt0 => /(_ below) [z [r [r0 inside]]].
  by exists z, r; split=> // v /inside[Kv]; rewrite flip oppr_ge0.
have [xp|xn|x0] := ltrgt0P ((a *m x) 0 0 + c).
- by exists true; split; [exact: ltW | exact: (pos x)].
- by exists false; split; [exact: ltW | exact: (neg x)].
have [z [r [r0 inK]]] := full.
have Kz : K z by apply: inK => i; rewrite subrr normr0.
have [zp|zn|z0] := ltrgt0P ((a *m z) 0 0 + c).
- by exists true; split; [rewrite /on_side x0 | exact: (pos z)].
- by exists false; split; [rewrite /on_side x0 | exact: (neg z)].
exists true; split; first by rewrite /on_side x0.
have [a0|] := eqVneq a 0.
  exists z, r; split=> // w /inK Kw; split=> //.
  by move: z0; rewrite a0 !mul0mx mxE => ->; rewrite /on_side.
move=> a_neq0; have [i ai] : exists i, a 0 i != 0.
  apply/existsP; rewrite -negb_forall; apply: contra a_neq0 => /forallP all0.
  by apply/eqP/rowP=> i; rewrite mxE; apply/eqP.
pose w := z + (r / 2%:R * Num.sg (a 0 i)) *: delta_mx i 0.
apply: (pos w).
  apply: inK => j; rewrite !mxE addrAC subrr add0r normrM normrM normr_sg ai mulr1.
  have r2 : `|r / 2%:R| < r by rewrite gtr0_norm ?divr_gt0 ?ltr0n // ltr_pdivr_mulr ?ltr0n // ltr_pmulr // ltr1n.
  by case: eqP => _; rewrite ?normr1 ?mulr1 // normr0 mulr0.
rewrite mulmxDr -scalemxAr -colE.
have -> : (a *m z + (r / 2%:R * Num.sg (a 0 i)) *: col i a) 0 0 + c =
    ((a *m z) 0 0 + c) + r / 2%:R * (Num.sg (a 0 i) * a 0 i).
  by move: (a *m z) => q; rewrite !mxE; mc_ring R.
by rewrite z0 add0r -normrEsg mulr_gt0 ?normr_gt0 // divr_gt0 ?ltr0n.
Qed.

(* The same for all rows of a layer. *)
Lemma halves n k (K : 'cV[R]_n -> Prop) (W : 'M[R]_(k, n)) b x :
  convex K -> full_dimensional K -> K x ->
  exists s : {ffun 'I_k -> bool}, (forall i, on_side (s i) ((W *m x + b) i 0)) /\
    full_dimensional (fun w => K w /\ forall i, on_side (s i) ((W *m w + b) i 0)) /\
    convex (fun w => K w /\ forall i, on_side (s i) ((W *m w + b) i 0)).
Proof.
move=> conv full Kx.
have row_i i w : (W *m w + b) i 0 = (row i W *m w) 0 0 + b i 0.
  by rewrite mxE; congr (_ + _); rewrite !mxE; apply: eq_bigr => j _; rewrite mxE.
suff [s [sx [fs cs]]] : exists s : 'I_k -> bool, (forall i, i \in enum 'I_k -> on_side (s i) ((W *m x + b) i 0)) /\
    full_dimensional (fun w => K w /\ forall i, i \in enum 'I_k -> on_side (s i) ((W *m w + b) i 0)) /\
    convex (fun w => K w /\ forall i, i \in enum 'I_k -> on_side (s i) ((W *m w + b) i 0)).
  exists [ffun i => s i]; split; first by move=> i; rewrite ffunE; apply: sx; rewrite mem_enum.
  split.
    have [z [r [r0 inside]]] := fs; exists z, r; split=> // w /inside[Kw sw]; split=> // i.
    by rewrite ffunE; apply: sw; rewrite mem_enum.
  move=> y z t [Ky sy] [Kz sz] t01.
  have [||Kyz syz] := cs y z t _ _ t01; [by split=> // i _; rewrite -[s i](ffunE s) | | ].
    by split=> // i _; rewrite -[s i](ffunE s).
  by split=> // i; rewrite ffunE; apply: syz; rewrite mem_enum.
elim: (enum 'I_k) (enum_uniq 'I_k) => [_|i js IH /= /andP[i_new /IH[s [sx [fs cs]]]]].
  exists (fun=> true); split=> //; split.
    by have [z [r [r0 inK]]] := full; exists z, r; split=> // w /inK.
  by move=> y z t [Ky _] [Kz _] t01; split=> //; apply: conv.
have [//|side [side_x fside]] := @half _ _ (row i W) (b i 0) x cs fs.
have cside := @half_space_convex _ _ side (row i W) (b i 0) cs.
pose s' j := if j == i then side else s j.
have s'P w : (forall j, j \in i :: js -> on_side (s' j) ((W *m w + b) j 0)) <->
  (forall j, j \in js -> on_side (s j) ((W *m w + b) j 0)) /\ on_side side ((row i W *m w) 0 0 + b i 0).
  rewrite -row_i /s'; split=> [all_js|[old new] j].
    split; last by have := all_js i; rewrite eqxx inE eqxx; apply.
    move=> j j_in; have := all_js j; rewrite inE j_in orbT => /(_ isT).
    by case: eqP => // ji; move: i_new; rewrite -ji j_in.
  by rewrite inE; case: eqP => [->|_] //= /old.
exists s'; split; first exact/s'P.
split; first by have [z [r [r0 inside]]] := fside; exists z, r; split=> // w /inside[[Kw old] new]; split=> //; apply/s'P.
move=> y z t [Ky /s'P[oy ny]] [Kz /s'P[oz nz]] t01.
have [[Kyz old] new] := cside y z t (conj (conj Ky oy) ny) (conj (conj Kz oz) nz) t01.
by split=> //; apply/s'P.
Qed.

(* Every point of a convex domain with an interior lies in a closed cell that has a region. *)
Lemma cover_from m k n (N : net R m k) (A : 'M[R]_(k, n)) (c : 'cV[R]_k) (K : 'cV[R]_n -> Prop) x :
  convex K -> full_dimensional K -> K x ->
  exists s : pattern N, in_cell s (A *m x + c) /\ full_dimensional (fun w => K w /\ in_cell s (A *m w + c)).
Proof.
elim: N A c K x => [n' W b|n' k' W b l r rest IH] A c K x conv full Kx.
  by exists tt; split=> //; have [z [r [r0 inK]]] := full; exists z, r; split=> // w /inK.
have layer w : W *m (A *m w + c) + b = (W *m A) *m w + (W *m c + b) by rewrite mulmxDr mulmxA addrA.
have [s [sx [fs cs]]] := @halves _ _ K (W *m A) (W *m c + b) x conv full Kx.
have [s' [s'x [z [rad [rad0 inside]]]]] :=
  IH (slope_of l r s *m (W *m A)) (slope_of l r s *m (W *m c + b)) _ x cs fs (conj Kx sx).
have next w : (forall i, on_side (s i) ((W *m A *m w + (W *m c + b)) i 0)) ->
    activate l r (W *m (A *m w + c) + b) = slope_of l r s *m (W *m A) *m w + slope_of l r s *m (W *m c + b).
  by move=> sw; rewrite layer (activate_on_sides _ _ sw) mulmxDr !mulmxA.
exists (s, s'); split; first by split=> /=; [move=> i; rewrite layer | rewrite next].
exists z, rad; split=> // w /inside[[Kw sw] s'w]; split=> //; split=> /=; last by rewrite next.
by move=> i; rewrite layer.
Qed.

Theorem regions_cover m n (N : net R m n) X x :
  convex X -> full_dimensional X -> X x -> exists s : pattern N, in_cell s x /\ has_region X s.
Proof.
move=> conv full Xx; have := cover_from N 1%:M 0 conv full Xx; rewrite mul1mx addr0 => -[s [sx [z [r [r0 inside]]]]].
by exists s; split=> //; exists z, r; split=> // w /inside; rewrite mul1mx addr0.
Qed.

End Cover.

Section Main.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).
Variables (m n : nat) (N : net R m n) (P : 'cV[R]_n -> R) (Q : 'cV[R]_m -> R) (X : 'cV[R]_n -> Prop).
Hypotheses (normP : is_norm P) (normQ : is_norm Q).

(* Upper side: norms of the Jacobians of all full-dimensional regions bound the network on the whole domain. *)
Theorem regions_upper u :
  convex X -> full_dimensional X -> (forall s : pattern N, has_region X s -> norm_at_most P Q (jacobian s) u) ->
  lipschitz P Q X (eval N) u.
Proof.
move=> conv full bound x y Xx Xy; pose d := x - y; pose g t := eval N (y + t *: d).
have on_line t : 0 <= t <= 1 -> X (y + t *: d) by exact: conv.
pose claim a b := 0 <= a -> b <= 1 -> Q (g b - g a) <= (b - a) * (u * P d).
suff all a b : a < b -> claim a b.
  have := all 0 1 ltr01 (lexx 0) (lexx 1); rewrite /g scale1r scale0r addr0 subr0 mul1r.
  by rewrite /d [y + _]addrC subrK.
apply: (breakpoints (breaks := line_breaks N y d)) a b => [a c b /andP[ac cb] ha hb a0 b1|a b ab none a0 b1].
  have -> : g b - g a = (g b - g c) + (g c - g a) by rewrite addrA subrK.
  apply: le_trans (norm_triangle normQ _ _) _.
  have -> : (b - a) * (u * P d) = (b - c) * (u * P d) + (c - a) * (u * P d) by mc_ring R.
  by apply: ler_add; [apply: hb => //; apply: le_trans a0 (ltW ac) | apply: ha => //; apply: le_trans (ltW cb) b1].
pose mid := (a + b) / 2%:R.
have [am mb] : a < mid /\ mid < b by rewrite /mid !midf_lt.
have mid01 : 0 <= mid <= 1 by rewrite (le_trans a0 (ltW am)) (le_trans (ltW mb) b1).
have [s [s_mid region]] := regions_cover N conv full (on_line _ mid01).
have in_s t : a <= t <= b -> in_cell s (y + t *: d) by apply: (cell_between s_mid) => //; rewrite am mb.
rewrite /g !(affine_on_cell (in_s _ _)) ?lexx ?(ltW ab) //.
have -> : jacobian s *m (y + b *: d) + offset s - (jacobian s *m (y + a *: d) + offset s) = (b - a) *: (jacobian s *m d).
  by rewrite opprD addrACA subrr addr0 -mulmxBr opprD addrACA subrr add0r -scalerBl scalemxAr.
rewrite (norm_scale normQ) gtr0_norm ?subr_gt0 // ler_wpmul2l ?subr_ge0 ?(ltW ab) //.
exact: bound.
Qed.

(* Lower side: the norm of the Jacobian of any full-dimensional region is a lower bound. *)
Theorem regions_lower u (s : pattern N) :
  has_region X s -> lipschitz P Q X (eval N) u -> norm_at_most P Q (jacobian s) u.
Proof.
move=> [z [r [r0 inside]]] lip v; pose S := 1 + \sum_i `|v i 0|; pose t := r / S.
have S0 : 0 < S by apply: ltr_paddr => //; apply: sumr_ge0.
have t0 : 0 < t by apply: divr_gt0.
have [Xz sz] : X z /\ in_cell s z by apply: inside => i; rewrite subrr normr0.
have [Xw sw] : X (z + t *: v) /\ in_cell s (z + t *: v).
  apply: inside => i; rewrite !mxE addrAC subrr add0r normrM gtr0_norm // /t mulrAC ltr_pdivr_mulr // ltr_pmul2l //.
  by rewrite /S (bigD1 i) //= addrCA ltr_addl; apply: ltr_paddr => //; apply: sumr_ge0.
have := lip _ _ Xw Xz; rewrite (affine_on_cell sw) (affine_on_cell sz).
have -> : jacobian s *m (z + t *: v) + offset s - (jacobian s *m z + offset s) = t *: (jacobian s *m v).
  by rewrite opprD addrACA subrr addr0 -mulmxBr addrAC subrr add0r scalemxAr.
rewrite [z + _]addrC addrK (norm_scale normQ) (norm_scale normP) gtr0_norm // mulrCA ler_pmul2l //.
Qed.

(* Both together: what `exact` computes. *)
Theorem lipschitz_iff_regions u :
  convex X -> full_dimensional X ->
  (lipschitz P Q X (eval N) u <-> forall s : pattern N, has_region X s -> norm_at_most P Q (jacobian s) u).
Proof. by move=> conv full; split=> [lip s region|]; [apply: regions_lower lip | apply: regions_upper]. Qed.

(* The constant is the largest operator norm over the patterns that have a region. *)
Theorem constant_is_largest_norm (norm : pattern N -> R) (s0 : pattern N) :
  convex X -> full_dimensional X ->
  (forall s, has_region X s -> operator_norm P Q (jacobian s) (norm s)) ->
  has_region X s0 -> (forall s, has_region X s -> norm s <= norm s0) -> (forall v, 0 <= P v) ->
  lipschitz_constant P Q X (eval N) (norm s0).
Proof.
move=> conv full norms region0 largest P0; split; last first.
  by move=> u lip; apply: (norms _ region0).2; apply: regions_lower lip.
apply: regions_upper => // s region v; apply: le_trans ((norms _ region).1 v) _.
by rewrite ler_wpmul2r ?P0 ?largest.
Qed.

End Main.
